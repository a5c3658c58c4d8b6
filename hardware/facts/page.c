/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log, a page at a time. */
#include "hardware/facts/page.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/facts/facts.h"

#define LINE_BYTES ((size_t)1000)

static int explain_unreadable(const struct facts *facts, struct error *err)
{
    const json_t *row;
    size_t i;

    json_array_foreach(facts->unreadable, i, row)
        if (strcmp(json_text(row, "file"), "dev/kmsg") == 0)
            return error_set(err, ERROR_FAILED, "the kernel's log cannot be read: /dev/kmsg: %s",
                             json_text(row, "reason"));
    return error_set(err, ERROR_FAILED, "the kernel's log cannot be read: /dev/kmsg is empty");
}

int log_read_page(const struct sysroot *sysroot, size_t start, size_t limit, json_t **ret, struct error *err)
{
    autojson json_t *lines = json_array();
    autofacts struct facts facts;
    size_t number = 0, bytes = 0;

    facts_read(sysroot, &facts);
    const char *line = facts_kernel_log(&facts);
    if (line == NULL)
        return explain_unreadable(&facts, err);
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1, number++) {
        size_t length = (size_t)(end - line);
        length = length < LINE_BYTES ? length : LINE_BYTES;
        if (number < start || json_array_size(lines) >= limit || bytes + length > LOG_PAGE_BYTES)
            continue;
        json_array_append_new(lines, json_stringn(line, length));
        bytes += length;
    }
    *ret = json_pack("{s:I, s:O}", "total", (json_int_t)number, "lines", lines);
    return 0;
}
