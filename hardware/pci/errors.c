/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI Express errors that the kernel has counted. */
#include "hardware/pci/errors.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/sysfs.h"

/* A line is NAME COUNT. The last is TOTAL_ERR_COR or the like: the sum of the others. */
static void add_counts(const char *severity, char *text, json_t *list)
{
    unsigned long long count;

    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        char *number = line, *name = strsep(&number, " ");
        if (number != NULL && name[0] != '\0' && !text_starts_with(name, "TOTAL_") &&
            text_to_number(number, 10, INT64_MAX, &count) && count > 0)
            json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "severity", severity, "name", name,
                                                  "count", (json_int_t)count));
    }
}

void errors_describe(int folder, json_t *object)
{
    static const struct {
        const char *file, *severity;
    } files[] = {
        {"aer_dev_fatal", "fatal"}, {"aer_dev_nonfatal", "nonfatal"}, {"aer_dev_correctable", "correctable"}};
    autojson json_t *list = json_array();
    bool counted = false;
    char text[4096];

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        if (sysfs_read(folder, files[i].file, text, sizeof(text)) <= 0)
            continue;
        counted = true;
        add_counts(files[i].severity, text, list);
    }
    if (counted)
        json_object_set(object, "errors", list);
}
