/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Closes a connection whose request was not read to its end (nginx calls it a lingering close).
 *
 * The kernel answers data that nobody reads with a reset, and then a client that is still sending loses our
 * reply. So a duplicate of the socket stays open a little longer than libmicrohttpd's, and what arrives is
 * discarded. */
#ifndef HOSTPCI_SERVER_HTTP_LINGERING_CLOSE_H
#define HOSTPCI_SERVER_HTTP_LINGERING_CLOSE_H

/* Duplicates the descriptor and returns at once. The duplicate is closed after a few seconds at most. If
 * several sockets linger already, nothing is done, and the client may lose the reply. */
void lingering_close(int fd);

#endif
