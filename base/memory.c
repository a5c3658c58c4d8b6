/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocations that never fail, and cleanup at the end of a scope. */
#include "base/memory.h"

#include <malloc.h>
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

#define WORTH       ((size_t)4 * 1024 * 1024) /* below that it is not worth the time */
#define COUNT_EVERY 20 /* calls: malloc walks over all that is free, 50 ms with 160,000 documents */

/* The second number, in pages (proc(5)). */
static size_t measure_resident(void)
{
    autofile FILE *file = fopen("/proc/self/statm", "re");
    size_t pages = 0;

    return file != NULL && fscanf(file, "%*u %zu", &pages) == 1 ? pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

static size_t measure_used(void)
{
    return mallinfo2().uordblks;
}

/* Two signs tell that malloc keeps much: the process has grown (memory was used and freed again between two
 * calls), or less is in use than before (memory was freed since). */
void memory_give_back(void)
{
    static size_t least_resident, most_used; /* since the last time */
    static unsigned calls;
    size_t resident = measure_resident(), used = calls++ % COUNT_EVERY == 0 ? measure_used() : most_used;

    if (resident > least_resident + WORTH || most_used > used + WORTH) {
        malloc_trim(0);
        least_resident = measure_resident();
        most_used = measure_used();
        return;
    }
    if (resident < least_resident)
        least_resident = resident;
    if (used > most_used)
        most_used = used;
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
