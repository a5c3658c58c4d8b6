/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets, which prove a login for two hours, and the CSRF tokens that go with them.
 *
 * A ticket is PVE:USER:TTTTTTTT::FFFFFFFF:EEEEEEEE:SIGNATURE. T is the time at which it was made; clients
 * look for it before "::", to know when to renew. F is the time of the original login, however often the
 * ticket was renewed since. E is the epoch of the user (access/snapshot.h) at the login: when the user gets
 * another password, is disabled or is deleted, the epoch changes, which invalidates all earlier tickets. Both
 * times have eight upper-case hexadecimal digits, the last 32 bits of the time (keys_time_near). SIGNATURE
 * (access/keys.h) signs what precedes it. Tickets of an earlier hostpci have only the signature after "::",
 * which signs what precedes that; they are still valid for users without an epoch.
 *
 * A CSRF token is TTTTTTTT:CODE, where CODE is keys_code of "TTTTTTTT:USER:EPOCH". A malicious page can make
 * a browser send the user's cookie, but does not know this token. */
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
#define TICKET_SKEW    (5 * 60) /* how far another node's clock may be ahead */
#define CSRF_SIZE      (9 + KEYS_CODE_SIZE)

/* The parts of a ticket that is not verified yet. */
struct ticket {
    char user[USERID_SIZE];
    uint32_t made, first; /* the last 32 bits of the times */
    char epoch[EPOCH_SIZE];
    size_t signed_length;
    const char *signature; /* in the text */
};

/* Pure. False if the text is not a ticket. */
bool ticket_parse(const char *text, struct ticket *ret);
/* Returns the time of a CSRF token and its code, which points into the text. */
bool ticket_parse_csrf(const char *text, uint32_t *ret_made, const char **ret_code);

int ticket_make(struct keys *keys, const struct login *login, time_t now, char **ret, struct error *err);
/* True, with the login, if the ticket is genuine and was made in the last two hours. Whether its
 * login is still valid, only login_find can tell. */
bool ticket_check(struct keys *keys, const char *text, time_t now, struct login *ret);

void ticket_make_csrf(struct keys *keys, const struct login *login, time_t now, char ret[static CSRF_SIZE]);
bool ticket_check_csrf(struct keys *keys, const struct login *login, const char *text, time_t now);

#endif
