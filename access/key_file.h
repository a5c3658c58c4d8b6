/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of the keys: auth.key, and auth.key.TTTTTTTT for each retired one. For access/keys.c alone. */
#ifndef HOSTPCI_ACCESS_KEY_FILE_H
#define HOSTPCI_ACCESS_KEY_FILE_H

#include <time.h>

#include "base/error.h"

#define KEY_FILE_NAME "auth.key"

/* Replaces the file with a new RSA key in PEM that only its owner can read. */
int key_file_make(const char *path, struct error *err);

/* Calls see() for each retired key in the folder. */
typedef void key_file_seen(const char *path, time_t retired, void *context);
int key_file_each_retired(const char *folder, key_file_seen *see, void *context, struct error *err);

#endif
