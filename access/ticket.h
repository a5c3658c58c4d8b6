/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets, which prove a login for two hours, and the tokens against forged requests that go with them.
 *
 * A ticket is PVE:USER:TTTTTTTT::FFFFFFFF:EEEEEEEE:SIGNATURE. T is the time at which it was made; clients
 * read it, before "::", to know when to renew. F is the time of the login that it goes back to, by however
 * many renewals. E is the epoch of the user (access/snapshot.h) at the login: when the user gets another
 * password, is disabled or is deleted, the epoch changes, and all tickets of before are void. Both times have
 * eight upper-case hexadecimal digits, and stand for the time next to the present one that ends with these.
 * SIGNATURE (access/keys.h) signs what stands before it. An earlier hostpci made tickets with nothing but the
 * signature behind "::", which signs what stands before that; they are as good for users without an epoch.
 *
 * A CSRF token is TTTTTTTT:CODE, where CODE is that of "TTTTTTTT:USER:EPOCH". A page that makes a browser
 * send the user's cookie cannot know it. */
#ifndef HOSTPCI_ACCESS_TICKET_H
#define HOSTPCI_ACCESS_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "access/keys.h"
#include "access/login.h"
#include "base/error.h"

#define TICKET_SECONDS KEYS_SECONDS
#define TICKET_SKEW    (5 * 60) /* another node's clock may be ahead so much */
#define CSRF_SIZE      (9 + KEYS_CODE_SIZE)

/* The parts of a ticket, which is not verified yet. */
struct ticket {
    char user[USERID_SIZE];
    uint32_t made, first; /* the last 32 bits of the times */
    char epoch[EPOCH_SIZE];
    size_t signed_length;
    const char *signature; /* in the text */
};

/* Pure. False if the text is no ticket. */
bool ticket_parse(const char *text, struct ticket *ret);
/* Gives the time of a CSRF token and its code, which lies in the text. */
bool ticket_parse_csrf(const char *text, uint32_t *ret_made, const char **ret_code);

int ticket_make(struct keys *keys, const struct login *login, time_t now, char **ret, struct error *err);
/* True, with the login, if the ticket is genuine and was made in the last two hours. Whether its
 * login is still good is for login_find to tell. */
bool ticket_check(struct keys *keys, const char *text, time_t now, struct login *ret);

void ticket_make_csrf(struct keys *keys, const struct login *login, time_t now, char ret[static CSRF_SIZE]);
bool ticket_check_csrf(struct keys *keys, const struct login *login, const char *text, time_t now);

#endif
