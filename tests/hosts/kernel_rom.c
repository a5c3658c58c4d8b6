/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel's expansion ROMs: the files rom, enable and power/control. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/hosts/kernel_parts.h"

static unsigned read_enabled(const char *id)
{
    char text[16];

    kernel_read_text(kernel_function_file(id, "enable"), text, sizeof(text));
    return (unsigned)strtoul(text, NULL, 10);
}

static void write_enabled(const char *id, unsigned count)
{
    autofree char *text = xasprintf("%u\n", count);

    kernel_write_text(kernel_function_file(id, "enable"), text);
}

static const char *read_control(const char *id)
{
    static char control[16];

    kernel_read_text(kernel_function_file(id, "power/control"), control, sizeof(control));
    control[strcspn(control, "\n")] = '\0';
    return control;
}

void kernel_set_rom(const char *id, const void *data, size_t length)
{
    autofree char *path = xstrdup(kernel_function_file(id, "rom"));
    FILE *file;

    unlink(path);
    file = fopen(path, "w");
    kernel_must(file != NULL && fwrite(data, 1, length, file) == length && fclose(file) == 0, "write a ROM");
    mkdir(kernel_function_file(id, "power"), 0755);
    kernel_reset_rom(id);
}

void kernel_reset_rom(const char *id)
{
    kernel_find(id)->rom_is_on = false;
    write_enabled(id, kernel_driver(id)[0] != '\0' ? 1 : 0);
    kernel_write_text(kernel_function_file(id, "power/control"), "auto\n");
}

const char *kernel_rom_state(const char *id)
{
    static char state[64];

    snprintf(state, sizeof(state), "rom %s, enable %u, control %s", kernel_find(id)->rom_is_on ? "on" : "off",
             read_enabled(id), read_control(id));
    return state;
}

int kernel_read_rom(const struct kernel_function *function)
{
    if (!function->rom_is_on)
        return -EINVAL;
    if (read_enabled(function->id) == 0 || strcmp(read_control(function->id), "auto") == 0)
        return -EIO;
    return 1;
}

int kernel_write_rom(struct kernel_function *function, const char *value)
{
    function->rom_is_on = strcmp(value, "0\n") != 0;
    return 0;
}

int kernel_write_enable(const struct kernel_function *function, const char *value)
{
    unsigned count = read_enabled(function->id);
    bool on = strcmp(value, "1") == 0;

    if (kernel_driver(function->id)[0] != '\0')
        return -EBUSY;
    if (!on && count == 0)
        return -EIO;
    write_enabled(function->id, on ? count + 1 : count - 1);
    return 0;
}
