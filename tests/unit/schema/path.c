/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declared paths against given ones. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/path.h"

Test(path, a_given_path_matches_a_declared_one)
{
    cr_assert(path_matches("/nodes/{node}/x", "/nodes/pve1/x"));
    cr_assert(path_matches("/nodes/{node}/x", "nodes/pve1/x/"));
    cr_assert(path_matches("/nodes/{node}/x", "/nodes//pve1/x"));
    cr_assert(path_matches("/", ""));
    cr_assert_not(path_matches("/nodes/{node}", "/nodes"));
    cr_assert_not(path_matches("/nodes/{node}", "/nodes/"));
    cr_assert_not(path_matches("/nodes", "/nodes/a"));
    cr_assert_not(path_matches("/nodes", "/node"));
    cr_assert_not(path_matches("/nodes", "/nodesx"));
}

Test(path, what_lies_below)
{
    static const char *const cases[][3] = {
        {"/pci/{id}/status", "/pci", "{id}/status"},
        {"/pci/{id}/status", "/pci/x/", "status"},
        {"/pci/{id}/status", "/", "pci/{id}/status"},
        {"/pci/{id}/status", "/pci/x/status", NULL},
        {"/pci/{id}/status", "/usb", NULL},
        {"/pci", "/pc", NULL},
        {"/pci", "/pci/x/y", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *below = path_remainder(cases[i][0], cases[i][1]);
        if (cases[i][2] == NULL)
            cr_expect_null(below, "%s", cases[i][1]);
        else
            cr_expect_str_eq(below, cases[i][2], "%s", cases[i][1]);
    }
}

Test(path, captures)
{
    const char *declared = "/nodes/{node}/pci/{id}", *given = "/nodes/pve1//pci/x";
    struct path_capture capture;

    cr_assert(path_next_capture(&declared, &given, &capture));
    cr_expect(capture.name_length == strlen("node") && memcmp(capture.name, "node", strlen("node")) == 0);
    cr_expect(capture.value_length == strlen("pve1") && memcmp(capture.value, "pve1", strlen("pve1")) == 0);
    cr_assert(path_next_capture(&declared, &given, &capture));
    cr_expect(capture.name_length == strlen("id") && memcmp(capture.name, "id", strlen("id")) == 0);
    cr_expect(capture.value_length == strlen("x") && memcmp(capture.value, "x", strlen("x")) == 0);
    cr_assert_not(path_next_capture(&declared, &given, &capture));
    cr_expect(path_captures("/nodes/{node}/pci", "node"));
    cr_expect_not(path_captures("/nodes/{node}/pci", "nod"));
    cr_expect_not(path_captures("/nodes/{node}/pci", "pci"));
}
