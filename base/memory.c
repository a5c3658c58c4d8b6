/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is always there, and is released at the end of a scope. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *check(void *memory)
{
    if (memory == NULL) {
        fputs("hostpci: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *xcalloc(size_t count, size_t size)
{
    return check(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *xrealloc(void *memory, size_t count, size_t size)
{
    return check(reallocarray(memory, count != 0 ? count : 1, size != 0 ? size : 1));
}

char *xstrdup(const char *string)
{
    return check(strdup(string));
}

char *xstrndup(const char *string, size_t length)
{
    return check(strndup(string, length));
}

char *xvasprintf(const char *format, va_list args)
{
    char *string;

    return check(vasprintf(&string, format, args) < 0 ? NULL : string);
}

char *xasprintf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *string = xvasprintf(format, args);
    va_end(args);
    return string;
}

static void *allocate_json(size_t size)
{
    return check(malloc(size != 0 ? size : 1));
}

void memory_guard_json(void)
{
    json_set_alloc_funcs(allocate_json, free);
}

void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

void cleanup_json(json_t **json)
{
    json_decref(*json);
}

void cleanup_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

void cleanup_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}
