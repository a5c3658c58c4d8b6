/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request shows of who sends it: a ticket or an API token, in one of three places. Pure. */
#ifndef HOSTPCI_SERVER_REQUEST_CREDENTIAL_H
#define HOSTPCI_SERVER_REQUEST_CREDENTIAL_H

enum credential {
    CREDENTIAL_NONE,
    CREDENTIAL_TICKET,
    CREDENTIAL_TOKEN, /* "user@realm!id=secret" */
};

/* In this order: the cookie PVEAuthCookie, the header Authorization with a ticket ("PVEAuthCookie=..."), the
 * same with a token ("PVEAPIToken=..."); a blank may stand for the '='. *ret is it percent-decoded, which the
 * caller frees; NULL if there is none. The headers may be NULL. */
enum credential credential_find(const char *cookie, const char *authorization, char **ret);

#endif
