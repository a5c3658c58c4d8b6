/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel's power management: the file d3cold_allowed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hosts/kernel_parts.h"

static const char file[] = "d3cold_allowed";

bool kernel_d3cold(const char *id)
{
    char text[16];

    kernel_read_text(kernel_function_file(id, file), text, sizeof(text));
    return strtol(text, NULL, 10) != 0;
}

void kernel_put_d3cold(const char *id, bool allowed)
{
    kernel_write_text(kernel_function_file(id, file), allowed ? "1\n" : "0\n");
}

int kernel_write_d3cold(const struct kernel_function *function, const char *value)
{
    char *end;
    unsigned long number = strtoul(value, &end, 0);

    if (end == value || strcmp(end, end[0] == '\n' ? "\n" : "") != 0)
        return -EINVAL;
    kernel_put_d3cold(function->id, number != 0);
    return 0;
}
