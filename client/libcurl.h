/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl, loaded by who makes the first call: with the thirty libraries that it brings along it would take
 * 3 MiB of the daemon, which is the same program and has no use for it. */
#ifndef HOSTPCI_CLIENT_LIBCURL_H
#define HOSTPCI_CLIENT_LIBCURL_H

#include <curl/curl.h>

#include "base/error.h"

#define LIBCURL_FUNCTIONS(F)                                                                                 \
    F(easy_cleanup)                                                                                          \
    F(easy_getinfo) F(easy_init) F(easy_perform) F(easy_setopt) F(easy_strerror) F(free) F(global_init)      \
        F(slist_append) F(slist_free_all) F(url) F(url_cleanup) F(url_get) F(url_set)

/* Its functions by their names without curl_. */
struct libcurl {
#define F(name) __typeof__(&curl_##name) name;
    LIBCURL_FUNCTIONS(F)
#undef F
};
extern struct libcurl libcurl;

/* Before any of them is called; again does nothing. ERROR_FAILED names the package that is missing. */
int libcurl_load(struct error *err);

#endif
