/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the check functions share: evidence, and small questions about a device. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

#define MOST_SHOWN 512 /* bytes of a long text */

void append_excerpt(struct text *text, const char *from, size_t length, size_t at)
{
    size_t start = 0, end = length;

    if (length > MOST_SHOWN) {
        start = at > MOST_SHOWN / 2 ? at - MOST_SHOWN / 2 : 0;
        start = start > length - MOST_SHOWN ? length - MOST_SHOWN : start;
        end = start + MOST_SHOWN;
    }
    while (start > 0 && start < at && from[start - 1] != ' ')
        start++;
    while (end < length && end > at && from[end] != ' ')
        end--;
    text_printf(text, "%s%.*s%s", start > 0 ? "... " : "", (int)(end - start), from + start,
                end < length ? " ..." : "");
}

void evidence_cmdline(const struct facts *facts, struct text *evidence, const char *parameter)
{
    size_t own = 0;
    const char *at = parameter != NULL ? facts_find_parameter(facts, parameter, &own) : NULL;
    size_t length = strlen(facts->cmdline);

    text_printf(evidence, "%s/" PROC_CMDLINE ": ", evidence->length > 0 ? "; " : "");
    if (!facts->cmdline_known) {
        text_append(evidence, "cannot be read");
        return;
    }
    append_excerpt(evidence, facts->cmdline, length, at != NULL ? (size_t)(at - facts->cmdline) : 0);
    if (at == NULL && parameter != NULL && length > MOST_SHOWN)
        text_printf(evidence, " (no %s)", parameter);
}

void evidence_setting(const struct setting *setting, struct text *evidence)
{
    static const char *const words[] = {[SETTING_OPTIONS] = "options ",
                                        [SETTING_BLACKLIST] = "blacklist ",
                                        [SETTING_SOFTDEP] = "softdep ",
                                        [SETTING_INSTALL] = "install ",
                                        [SETTING_ALIAS] = "alias ",
                                        [SETTING_LOAD] = "",
                                        [SETTING_SYSFS] = ""};
    bool load = setting->kind == SETTING_LOAD;

    text_printf(evidence, "%s/%s, line %u: %s%s", evidence->length > 0 ? "; " : "", setting->file,
                setting->line, words[setting->kind], setting->module);
    if (setting->value[0] != '\0' && !load)
        text_printf(evidence, "%s%s", setting->kind == SETTING_SYSFS ? " = " : " ", setting->value);
}

void evidence_file(const struct subject *subject, struct text *evidence, const char *file, const char *held)
{
    text_printf(evidence, "%s/%s: %s", evidence->length > 0 ? "; " : "",
                path_of_function(subject->id, file).text, held);
}

bool read_region(const struct subject *subject, unsigned line, struct region *ret)
{
    char text[4096], *rest = text, *found = text;
    unsigned long long start, end, flags;

    if (sysfs_read(subject->folder, "resource", text, sizeof(text)) <= 0)
        return false;
    for (unsigned i = 0; i <= line; i++)
        found = strsep(&rest, "\n");
    if (found == NULL || sscanf(found, "%llx %llx %llx", &start, &end, &flags) != 3 || end <= start)
        return false;
    *ret = (struct region){.start = start, .size = end - start + 1, .flags = flags};
    return true;
}

void append_comma(struct text *text)
{
    if (text->length > 0)
        text_append(text, ", ");
}

void append_device(struct text *text, const struct pci_device *device)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    text_append(text, id);
    if (device->driver[0] != '\0')
        text_printf(text, " (%s)", device->driver);
}

struct members members_of(const struct subject *subject)
{
    return groups_find(subject->groups, subject->device->group);
}

bool host_needs(const struct subject *subject, const struct pci_device *device)
{
    const struct host_use *uses;
    size_t count = host_uses_of(subject->uses, device->address, &uses);

    for (size_t i = 0; i < count; i++)
        if (uses[i].weight >= USE_ACTIVE && uses[i].kind != USE_VFIO)
            return true;
    return false;
}

bool driver_module(const struct subject *subject, char *module, size_t size)
{
    if (sysfs_read_link_name(subject->folder, "driver/module", module, size) < 0)
        return false;
    for (char *c = module; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
    return true;
}
