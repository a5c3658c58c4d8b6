/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets, which prove a login for two hours, and the tokens against forged requests that go with them.
 *
 * A ticket is PVE:USER:TTTTTTTT::SIGNATURE: the time of the login in eight upper-case hexadecimal digits, and
 * the signature (access/keys.h) of what stands before "::". A CSRF token is TTTTTTTT:CODE, the code of
 * "TTTTTTTT:USER": whoever can make a browser send the user's cookie cannot know it. */
#ifndef HOSTPCI_ACCESS_TICKET_H
#define HOSTPCI_ACCESS_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "access/access.h"
#include "access/keys.h"
#include "base/error.h"

#define TICKET_SECONDS KEYS_SECONDS
#define TICKET_SKEW    (5 * 60) /* that another node's clock may be ahead */
#define CSRF_SIZE      (9 + KEYS_CODE_SIZE)

/* A ticket taken apart, not verified. */
struct ticket {
    char user[USERID_SIZE];
    time_t made;
    size_t signed_length;
    const char *signature; /* in the text */
};

/* Pure. False if it is none. */
bool ticket_parse(const char *text, struct ticket *ret);
/* The time of a CSRF token and its code, in the text. */
bool ticket_parse_csrf(const char *text, time_t *ret_made, const char **ret_code);

int ticket_make(struct keys *keys, const char *user, time_t now, char **ret, struct error *err);
/* Whose it is, if it is genuine and of the last two hours. */
bool ticket_check(struct keys *keys, const char *text, time_t now, char ret_user[static USERID_SIZE]);

void ticket_make_csrf(struct keys *keys, const char *user, time_t now, char ret[static CSRF_SIZE]);
bool ticket_check_csrf(struct keys *keys, const char *user, const char *text, time_t now);

#endif
