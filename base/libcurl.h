/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl, which is loaded at the first call: if it were linked in, it and the thirty libraries that it needs
 * would cost every daemon 3 MiB of memory, also one that calls nobody. */
#ifndef HOSTPCI_BASE_LIBCURL_H
#define HOSTPCI_BASE_LIBCURL_H

#include <curl/curl.h>

#include "base/error.h"

/* Its functions, by their names without curl_: libcurl_api.easy_init() is curl_easy_init(). */
struct libcurl_api {
#define FUNCTION(name) __typeof__(&curl_##name) name;
#include "base/libcurl.def"
#undef FUNCTION
};
extern struct libcurl_api libcurl_api;

/* Must be called before any of the functions, while the process has one thread; calling it again does
 * nothing. ERROR_FAILED names the package that is missing. */
int libcurl_load(struct error *err);

#endif
