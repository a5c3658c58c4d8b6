/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl, loaded by who makes the first call: with the thirty libraries that it brings along it would take
 * 3 MiB of the daemon, which is the same program and has no use for it. */
#ifndef HOSTPCI_CLIENT_CALL_LIBCURL_H
#define HOSTPCI_CLIENT_CALL_LIBCURL_H

#include <curl/curl.h>

#include "base/error.h"

struct libcurl {
#define FUNCTION(name) __typeof__(&curl_##name) name;
#include "client/call/libcurl.def"
#undef FUNCTION
};
extern struct libcurl libcurl;

/* Before any of them is called; again does nothing. ERROR_FAILED names the package that is missing. */
int libcurl_load(struct error *err);

#endif
