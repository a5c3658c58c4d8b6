/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Closes a connection whose request was not read to its end (nginx calls it a lingering close).
 *
 * The kernel answers data that nobody reads with a reset, and then a client that is still sending loses our
 * reply. So a copy of the socket stays open a little longer than libmicrohttpd's, and what comes is thrown
 * away. */
#ifndef HOSTPCI_SERVER_HTTP_LINGERING_CLOSE_H
#define HOSTPCI_SERVER_HTTP_LINGERING_CLOSE_H

/* Duplicates the descriptor and returns at once. The copy is closed after a few seconds at most. If a few
 * sockets linger already, nothing is done, and the client may lose the reply. */
void lingering_close(int fd);

#endif
