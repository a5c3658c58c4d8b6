/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Closing a connection whose request was not read to its end.
 *
 * The kernel answers unread data with a reset, and the client, still sending, loses our reply. So the socket
 * stays open a little longer than libmicrohttpd's, and what comes is thrown away. */
#ifndef HOSTPCI_SERVER_HTTP_LINGERING_CLOSE_H
#define HOSTPCI_SERVER_HTTP_LINGERING_CLOSE_H

/* Duplicates the descriptor and returns at once. A few seconds at most, a few sockets at the same time. */
void lingering_close(int fd);

#endif
