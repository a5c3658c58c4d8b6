/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a call goes, and how the server proves who it is. */
#ifndef HOSTPCI_CLIENT_CALL_TARGET_H
#define HOSTPCI_CLIENT_CALL_TARGET_H

#include "client/call/call.h"
#include "client/call/libcurl.h"

#define TARGET_FINGERPRINT_SIZE 32

struct target {
    char *base; /* "https://host:8006" */
    bool secure;
    bool pinned;
    unsigned char fingerprint[TARGET_FINGERPRINT_SIZE];
    char
        seen[3 * TARGET_FINGERPRINT_SIZE]; /* the fingerprint of a refused server, "" if it was not refused */
    CURL *curl;
};
void target_release(struct target *target);
#define autotarget __attribute__((cleanup(target_release)))

/* Understands the target; ERROR_INVALID says what is wrong with it. Plain HTTP is for loopback addresses
 * only: a token would be read by everyone on the way. */
int target_parse(const struct call_target *given, struct target *ret, struct error *err);

/* Sets socket, certificates and pinning on the handle, which must live no longer than both targets. */
void target_apply(const struct call_target *given, struct target *target, CURL *curl);

/* What a failed transfer means for the user: always -1. */
int target_explain(const struct call_target *given, const struct target *target, CURLcode code,
                   const char *detail, struct error *err);

#endif
