/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl, loaded by who makes the first call. */
#include "client/call/libcurl.h"

#include <dlfcn.h>
#include <string.h>

#include "base/memory.h"

#define FILE_NAME "libcurl-gnutls.so.4"

struct libcurl libcurl;

static const struct {
    const char *name;
    void *place;
} functions[] = {
#define FUNCTION(name) {"curl_" #name, &libcurl.name},
#include "client/call/libcurl.def"
#undef FUNCTION
};

int libcurl_load(struct error *err)
{
    static void *library;

    if (library == NULL)
        library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return error_set(err, ERROR_FAILED, "%s: `apt install libcurl3-gnutls` installs it", dlerror());
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        void *function = dlsym(library, functions[i].name);
        if (function == NULL)
            return error_set(err, ERROR_FAILED, "%s", dlerror());
        memcpy(functions[i].place, &function, sizeof(function)); /* C has no cast for it */
    }
    return 0;
}
