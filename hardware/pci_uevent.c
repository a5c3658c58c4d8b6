/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel writes about a PCI function in its `uevent` file and in uevent messages. */
#include "hardware/pci_uevent.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The value of NAME= at the start of a line, up to the line's end, cut where it does not fit. */
static bool find_value(const char *text, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, name, length) != 0 || line[length] != '=')
            continue;
        size_t count = strcspn(line + length + 1, "\n");
        snprintf(value, size, "%.*s", (int)count, line + length + 1);
        return true;
    }
    return false;
}

/* "10DE:2231" */
static bool parse_id_pair(const char *text, uint16_t *ret_first, uint16_t *ret_second)
{
    char first[5] = {0};
    unsigned long long a, b;

    if (strlen(text) != 9 || text[4] != ':')
        return false;
    memcpy(first, text, 4);
    if (!text_to_number(first, 16, 0xffff, &a) || !text_to_number(text + 5, 16, 0xffff, &b))
        return false;
    *ret_first = (uint16_t)a;
    *ret_second = (uint16_t)b;
    return true;
}

bool pci_uevent_parse(const char *text, struct pci_device *ret)
{
    struct pci_device found = *ret;
    unsigned long long class_code;
    char value[16];

    if (!find_value(text, "PCI_CLASS", value, sizeof(value)) ||
        !text_to_number(value, 16, 0xffffff, &class_code))
        return false;
    if (!find_value(text, "PCI_ID", value, sizeof(value)) ||
        !parse_id_pair(value, &found.vendor, &found.device))
        return false;
    if (!find_value(text, "PCI_SUBSYS_ID", value, sizeof(value)) ||
        !parse_id_pair(value, &found.subsystem_vendor, &found.subsystem_device))
        return false;
    if (!find_value(text, "DRIVER", found.driver, sizeof(found.driver)))
        found.driver[0] = '\0';
    found.class_code = (uint32_t)class_code;
    *ret = found;
    return true;
}

bool pci_uevent_concerns_us(const char *message, size_t length)
{
    static const char wanted[] = "SUBSYSTEM=pci";

    for (size_t start = 0; start < length;) {
        size_t count = strnlen(message + start, length - start);
        if (count == sizeof(wanted) - 1 && memcmp(message + start, wanted, count) == 0)
            return true;
        start += count + 1;
    }
    return false;
}
