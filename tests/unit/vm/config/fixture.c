/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of vm/config/config.h. */
#include "tests/unit/vm/config/fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "schema/format.h"

#define SIXTEEN(n) {n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n}

const struct vm_fresh config_fresh = {
    .smbios = SIXTEEN(0x11),
    .vmgenid = SIXTEEN(0x22),
    .nets = {{0xff, 0, 0, 0xaa, 0xbb, 0}, {0xff, 0, 0, 0xaa, 0xbb, 1}, {0xff, 0, 0, 0xaa, 0xbb, 2}},
    .mac_prefix = "BC:24:11",
    .qemu = "7.2.0",
    .now = 1700000000,
};

json_t *config_try(const char *document, const struct config_wanted *wanted, struct error *err)
{
    autosplit char **remove = format_split_list(wanted->remove != NULL ? wanted->remove : "");
    autosplit char **revert = format_split_list(wanted->revert != NULL ? wanted->revert : "");
    autojson json_t *set = fixture_json(wanted->set != NULL ? wanted->set : "{}");
    autojson json_t *old = document != NULL ? fixture_json(document) : NULL;
    autojson json_t *kept = json_deep_copy(old);
    struct vm_change change = {.set = set,
                               .remove = (const char *const *)remove,
                               .revert = (const char *const *)revert,
                               .force = wanted->force,
                               .running = wanted->running,
                               .skip_lock = wanted->skip_lock,
                               .fresh = &config_fresh};
    json_t *ret = NULL;
    int status =
        old != NULL ? vm_config_change(old, &change, &ret, err) : vm_config_create("n1", &change, &ret, err);

    cr_expect(status == 0 ? ret != NULL : ret == NULL);
    cr_expect(old == NULL || json_equal(old, kept), "the old document stays as it is: %s", document);
    return ret;
}

json_t *config_read(const char *file, const char *warnings)
{
    autotext struct text warned = {0};
    struct error err = {0};
    json_t *document = NULL;

    cr_assert_eq(vm_config_read(file, strlen(file), NULL, &document, &warned, &err), 0, "%s", err.message);
    cr_expect_str_eq(text_string(&warned), warnings, "%s:\n%s", file, text_string(&warned));
    return document;
}
