/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of endpoints, for tests that go through all of them. */
#include "tests/api/path.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/daemon.h"

char *path_fill(const char *declared)
{
    static const char *const values[][2] = {
        {"{node}", NODE},         {"{pci-id-or-mapping}", "0000:01:00.0"},
        {"{id}", "gpu"},          {"{vmid}", "100"},
        {"{userid}", "joe@pve"},  {"{groupid}", "staff"},
        {"{roleid}", "PVEAdmin"}, {"{realm}", "pam"},
        {"{sid}", "vm:100"},      {"{uuid}", "00000000-0000-4000-8000-000000000100"},
        {"{storage}", "local"},   {"{volume}", "local:iso%2Fa.iso"},
        {"{tokenid}", "ci"},      {"{upid}", "UPID:pve1:00000001:00000001:00000001:pcireset::root@pam:"}};
    struct text path = {0};

    for (const char *rest = declared; *rest != '\0';) {
        size_t plain = strcspn(rest, "{"), i = 0;
        text_append_bytes(&path, rest, plain);
        rest += plain;
        if (*rest == '\0')
            break;
        while (i < COUNT_OF(values) && !text_starts_with(rest, values[i][0]))
            i++;
        cr_assert_lt(i, COUNT_OF(values), "%s: a capture that this test does not know", declared);
        text_append(&path, values[i][1]);
        rest += strlen(values[i][0]);
    }
    return text_take(&path);
}
