/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/hardware/check/variant.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* A test's process is another program's image: it has what is in the image, and what cr_malloc gave. */
struct criterion_test_params variant_slices(void)
{
    static size_t slices[VARIANT_SLICES] = {0, 1, 2, 3, 4, 5};

    return cr_make_param_array(size_t, slices, COUNT_OF(slices));
}

static int is_expectation(const struct dirent *entry)
{
    return text_ends_with(entry->d_name, ".json") && strcmp(entry->d_name, "golden.json") != 0;
}

char **variant_names(void)
{
    struct dirent **entries;
    int count = scandir(VARIANTS, &entries, is_expectation, alphasort);

    cr_assert_gt(count, 0, VARIANTS " is empty, or this is not run in the top directory");
    char **names = xcalloc((size_t)count + 1, sizeof(*names));
    for (int i = 0; i < count; i++) {
        names[i] = xstrndup(entries[i]->d_name, strlen(entries[i]->d_name) - strlen(".json"));
        free(entries[i]);
    }
    free(entries);
    return names;
}

size_t variant_count(char *const *names)
{
    size_t count = 0;

    while (names[count] != NULL)
        count++;
    return count;
}
