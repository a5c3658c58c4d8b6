/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address windows, from the lines of the file `resource`. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/pci/resource.h"
#include "tests/unit/hardware/fixture.h"

#define UNUSED "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

static json_t *list(const char *text)
{
    autofree char *copy = xstrdup(text);

    return resource_list(copy);
}

/* The window on the given line is the only one in use. */
static json_t *list_at(size_t line, size_t lines, const char *window)
{
    autotext struct text text = {0};

    for (size_t i = 0; i < lines; i++)
        text_append(&text, i == line ? window : UNUSED);
    return list(text_string(&text));
}

Test(resources, tell_kind_and_size)
{
    expect_json(
        list("0x00000000de000000 0x00000000deffffff 0x0000000000040200\n"
             "0x00000000c0000000 0x00000000cfffffff 0x000000000014220c\n" UNUSED
             "0x0000380000000000 0x000038000000ffff 0x0000000000140204\n" UNUSED
             "0x000000000000e000 0x000000000000e07f 0x0000000000040101\n"
             "0x00000000000c0000 0x00000000000dffff 0x0000000000000212"),
        "[{'name': 'bar0', 'start': '0xde000000', 'size': 16777216, 'type': 'mem32'},"
        " {'name': 'bar1', 'start': '0xc0000000', 'size': 268435456, 'type': 'mem64', 'prefetchable': 1},"
        " {'name': 'bar3', 'start': '0x380000000000', 'size': 65536, 'type': 'mem64'},"
        " {'name': 'bar5', 'start': '0xe000', 'size': 128, 'type': 'io'},"
        " {'name': 'rom', 'start': '0xc0000', 'size': 131072, 'type': 'mem32', 'shadow': 1}]");
}

Test(resources, of_virtual_functions_follow_the_rom)
{
    expect_json(
        list_at(7, 13, "0x0000380000100000 0x00003800002fffff 0x000000000014220c\n"),
        "[{'name': 'iov0', 'start': '0x380000100000', 'size': 2097152, 'type': 'mem64', 'prefetchable': 1}]");
    expect_json(list_at(12, 17, "0x0000000000100000 0x00000000001fffff 0x0000000000040200\n"),
                "[{'name': 'iov5', 'start': '0x100000', 'size': 1048576, 'type': 'mem32'}]");
}

/* A bridge's windows to the bus behind it are no address space of its own. */
Test(resources, leave_out_the_windows_of_a_bridge)
{
    expect_json(list_at(13, 17, "0x000000000000e000 0x000000000000efff 0x0000000000000101\n"), "[]");
    expect_json(list_at(7, 11, "0x000000000000e000 0x000000000000efff 0x0000000000000101\n"), "[]");
}

Test(resources, that_were_not_assigned_have_a_size_all_the_same)
{
    expect_json(list_at(0, 13, "0x0000000000000000 0x0000000000003fff 0x0000000020040200\n"),
                "[{'name': 'bar0', 'start': '0x0', 'size': 16384, 'type': 'mem32'}]");
}

Test(resources, that_make_no_sense_are_left_out)
{
    static const char *const cases[] = {
        "",
        "\n\n\n",
        "0x0000000000000000\n",
        "0x1000 0x0fff 0x200\n",
        "0xffffffffffffffff 0x0 0x200\n",
        "0x0 0x0 0x200\n",
        "0x0 0xffffffffffffffff 0x200\n",
        "0x1000 0x1fff 0x0\n",
        "start end flags\n",
        "0xg 0x1fff 0x200\n",
        "%s%n%s%n%s%n\n",
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_json(list(cases[i]), "[]");
}
