/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a call goes, and how the server proves who it is. */
#ifndef HOSTPCI_CLIENT_CALL_TARGET_H
#define HOSTPCI_CLIENT_CALL_TARGET_H

#include <sys/socket.h>

#include "base/libcurl.h"
#include "client/call/call.h"

#define TARGET_FINGERPRINT_SIZE 32

struct target {
    char *base; /* "https://host:8006" */
    bool secure;
    bool pinned;
    unsigned char fingerprint[TARGET_FINGERPRINT_SIZE];
    char seen[3 * TARGET_FINGERPRINT_SIZE]; /* the fingerprint of a server that was refused; "" otherwise */
    CURL *curl;
    int socket;            /* to the daemon, when libcurl connects to the local socket */
    struct ucred stranger; /* who listens there, if that is why nothing was sent */
};
void target_release(struct target *target);
#define autotarget __attribute__((cleanup(target_release)))

/* Parses the target; ERROR_INVALID says what is wrong with it. Plain HTTP is only allowed to loopback
 * addresses, since anybody on the network path could read the token. */
int target_parse(const struct call_target *given, struct target *ret, struct error *err);

/* Sets socket, certificates and pinning for the handle. Both targets must outlive it.
 *
 * Three users may listen on the local socket: root (the service manager, too, listens as root), our own user,
 * and the daemon's user, who owns the folder of its state (CALL_STATE_DIR). Nothing is sent to anybody else.
 */
void target_apply(const struct call_target *given, struct target *target, CURL *curl);

/* Says in `err` what a failed transfer means for the user. Always returns -1. */
int target_explain(const struct call_target *given, const struct target *target, CURLcode code,
                   const char *detail, struct error *err);

#endif
