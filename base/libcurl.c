/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl, which is loaded at the first call. */
#include "base/libcurl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

#define FILE_NAME "libcurl-gnutls.so.4"

struct libcurl_api libcurl_api;

static const struct {
    const char *name;
    void *pointer;
} functions[] = {
#define FUNCTION(name) {"curl_" #name, &libcurl_api.name},
#include "base/libcurl.def"
#undef FUNCTION
};

int libcurl_load(struct error *err)
{
    static bool loaded;

    if (loaded)
        return 0;
    void *library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return error_set(err, ERROR_FAILED, "%s; install it with `apt install libcurl3-gnutls`", dlerror());
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        void *function = dlsym(library, functions[i].name);
        if (function == NULL)
            return error_set(err, ERROR_FAILED, "%s", dlerror());
        memcpy(functions[i].pointer, &function,
               sizeof(function)); /* C cannot cast an object pointer to a function pointer */
    }
    loaded = true;
    return 0;
}
