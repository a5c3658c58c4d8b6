/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the credential, a ticket or an API token, in the headers of a request. Pure. */
#ifndef HOSTPCI_SERVER_REQUEST_CREDENTIAL_H
#define HOSTPCI_SERVER_REQUEST_CREDENTIAL_H

enum credential {
    CREDENTIAL_NONE,
    CREDENTIAL_TICKET,
    CREDENTIAL_TOKEN, /* "user@realm!id=secret" */
};

/* Looks, in this order, for the cookie PVEAuthCookie, the header Authorization with a ticket
 * ("PVEAuthCookie=..."), and the same with a token ("PVEAPIToken=..."); a blank may stand for the '='. *ret
 * is the credential, percent-decoded, which the caller frees; NULL if there is none. The headers may be NULL.
 */
enum credential credential_find(const char *cookie, const char *authorization, char **ret);

/* "PVEAuthCookie=TICKET" as a browser sends it back; to be freed. */
char *credential_print_cookie(const char *ticket);

#endif
