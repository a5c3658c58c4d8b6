/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci image ORDER`: qemu-img on one volume of the store; an internal command, for the broker alone.
 *
 * The broker is confined, and so is all that it starts; this is not, and runs qemu-img as a user that owns
 * nothing but the volume, and that only while it runs, since a guest may have written the image. qemu-img
 * gets the volume open, finds it as /dev/fd/3, and is limited in memory, time, files and the size of what it
 * writes. Only numbers in its arguments come from the client. ORDER is a file that only root can write:
 *
 *   {store, volume, work, size?, template?, upload?}
 *
 *   take     the file `upload` of the daemon's folder of that name becomes the volume, and replaces one that
 *            is there; qemu-img does not run
 *   create   an empty image of `size` bytes        copy     an image with the content of `template`
 *   resize   `size` bytes from now on
 *
 * The file is there before; the volume is root's alone afterwards, and on the disk when this ends. */
#ifndef HOSTPCI_BROKER_IMAGE_IMAGE_H
#define HOSTPCI_BROKER_IMAGE_IMAGE_H

#define IMAGE_PROGRAM "/usr/bin/qemu-img"

int image_main(int argc, char **argv);

#endif
