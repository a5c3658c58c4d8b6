/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that the service manager opened before it started us (sd_listen_fds(3)). They listen already, so a
 * client that connects while we start or restart waits and is answered. */
#ifndef HOSTPCI_BASE_ACTIVATION_H
#define HOSTPCI_BASE_ACTIVATION_H

/* The Unix socket of that type (SOCK_STREAM, SOCK_SEQPACKET), made non-blocking and close-on-exec; -1: none
 * was passed. Its file belongs to the manager, so we do not remove it. */
int activation_take_socket(int type);

#endif
