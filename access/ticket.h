/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets, which prove a login for two hours, and the tokens against forged requests that go with them.
 *
 * A ticket is PVE:USER:TTTTTTTT::SIGNATURE, where T is the time of the login in eight upper-case hexadecimal
 * digits and SIGNATURE (access/keys.h) signs what stands before "::". A CSRF token is TTTTTTTT:CODE, where
 * CODE is that of "TTTTTTTT:USER". A page that makes a browser send the user's cookie cannot know it. */
#ifndef HOSTPCI_ACCESS_TICKET_H
#define HOSTPCI_ACCESS_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "access/access.h"
#include "access/keys.h"
#include "base/error.h"

#define TICKET_SECONDS KEYS_SECONDS
#define TICKET_SKEW    (5 * 60) /* another node's clock may be ahead so much */
#define CSRF_SIZE      (9 + KEYS_CODE_SIZE)

/* The parts of a ticket, which is not verified yet. */
struct ticket {
    char user[USERID_SIZE];
    time_t made;
    size_t signed_length;
    const char *signature; /* in the text */
};

/* Pure. False if the text is no ticket. */
bool ticket_parse(const char *text, struct ticket *ret);
/* Gives the time of a CSRF token and its code, which lies in the text. */
bool ticket_parse_csrf(const char *text, time_t *ret_made, const char **ret_code);

int ticket_make(struct keys *keys, const char *user, time_t now, char **ret, struct error *err);
/* True, with the user, if the ticket is genuine and was made in the last two hours. */
bool ticket_check(struct keys *keys, const char *text, time_t now, char ret_user[static USERID_SIZE]);

void ticket_make_csrf(struct keys *keys, const char *user, time_t now, char ret[static CSRF_SIZE]);
bool ticket_check_csrf(struct keys *keys, const char *user, const char *text, time_t now);

#endif
