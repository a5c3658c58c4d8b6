/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocations that never fail, and cleanup at the end of a scope.
 *
 * A failed allocation aborts the process, so a size that comes from outside must be bounded before it gets
 * here. `autofree char *p` is freed when p goes out of scope; `return TAKE(p)` hands it to the caller. */
#ifndef HOSTPCI_BASE_MEMORY_H
#define HOSTPCI_BASE_MEMORY_H

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *string) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *string, size_t length) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
char *xvasprintf(const char *format, va_list args)
    __attribute__((format(printf, 1, 0), malloc, returns_nonnull));

/* Makes jansson abort on a failed allocation, too. Called once at the start. */
void memory_guard_json(void);

/* free(3) keeps memory for later. This returns it to the system if there is much of it. To be called
 * periodically, by one thread. */
void memory_give_back(void);

/* The value of p; p becomes NULL. */
#define TAKE(p)                                                                                              \
    __extension__({                                                                                          \
        __typeof__(p) *taken_from = &(p);                                                                    \
        __typeof__(p) taken = *taken_from;                                                                   \
        *taken_from = NULL;                                                                                  \
        taken;                                                                                               \
    })

void cleanup_free(void *pointer);
void cleanup_json(json_t **json);
void cleanup_close(const int *fd);
void cleanup_file(FILE **file);

#define autofree        __attribute__((cleanup(cleanup_free)))
#define autojson        __attribute__((cleanup(cleanup_json)))
#define autoclose       __attribute__((cleanup(cleanup_close)))
#define autofile        __attribute__((cleanup(cleanup_file)))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
