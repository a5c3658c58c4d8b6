/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: whether options of vfio-pci and softdep lines mean what their author meant.
 *
 * Sources: vfio_pci_fill_ids() and the parameters in drivers/vfio/pci/vfio_pci.c of the Linux kernel: ids is
 * a list of VENDOR:DEVICE[:SUBVENDOR[:SUBDEVICE[:CLASS[:MASK]]]] in hexadecimal, in a string of at most 1023
 * characters (param_set_copystring() in kernel/params.c: a longer one is an error, and the module is not
 * loaded); a blank ends an option; modprobe.d(5). */
#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"

static bool is_id(const char *word)
{
    size_t vendor = strspn(word, "0123456789abcdefABCDEF"), device;

    if (vendor == 0 || vendor > 8 || word[vendor] != ':')
        return false;
    word += vendor + 1;
    device = strspn(word, "0123456789abcdefABCDEF");
    return device > 0 && device <= 8 && (word[device] == '\0' || word[device] == ':');
}

/* The option's line as it should be: all ids in one list, and the other options that vfio-pci has. */
struct repair {
    struct text ids, others;
    bool complete; /* each word was understood */
};

static void add_id(struct repair *repair, const char *word)
{
    static const char around[] = "[]\"'{}";
    autofree char *id = xstrdup(word);
    size_t length = 0;

    for (const char *c = word; *c != '\0'; c++)
        if (strchr(around, *c) == NULL)
            id[length++] = *c;
    id[length] = '\0';
    if (id[0] == '\0')
        return;
    repair->complete &= is_id(id);
    text_printf(&repair->ids, "%s%s", repair->ids.length > 0 ? "," : "", id);
}

static bool is_option(const char *word)
{
    static const char *const names[] = {"nointxmask", "disable_vga", "disable_idle_d3", "enable_sriov",
                                        "disable_denylist"};
    autofree char *name = xstrndup(word, strcspn(word, "="));

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (module_name_equal(names[i], name)) /* as parameq() in kernel/params.c compares */
            return true;
    return false;
}

/* Goes through a list of ids; returns the first that vfio-pci cannot understand, NULL if there is none. */
static char *read_ids(char *list, struct repair *repair)
{
    char *wrong = NULL;

    for (char *id; (id = strsep(&list, ",")) != NULL;) {
        if (*id != '\0' && !is_id(id) && wrong == NULL)
            wrong = xstrdup(id);
        add_id(repair, id);
    }
    return wrong;
}

/* Goes through an options line. Returns what is wrong with it, as a sentence; NULL: nothing. */
static char *read_options(const char *options, struct repair *repair)
{
    autofree char *copy = xstrdup(options);
    char *rest = copy, *wrong = NULL;
    bool after_ids = false;

    for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
        char *now = NULL;
        if (*word == '\0')
            continue;
        if (strncmp(word, "ids=", 4) == 0) {
            autofree char *id = read_ids(word + 4, repair);
            if (id != NULL)
                now = xasprintf("vfio-pci cannot understand '%s' in its option ids.", id);
            after_ids = true;
        } else if (is_option(word)) {
            text_printf(&repair->others, " %s", word);
        } else if (after_ids && strchr(word, ':') != NULL) {
            now = xasprintf("The option ids of vfio-pci ends at the blank before '%s', which is not read.",
                            word);
            free(read_ids(word, repair));
        } else {
            now = xasprintf("vfio-pci knows no option '%s', and ignores it.", word);
        }
        if (wrong == NULL)
            wrong = now;
        else
            free(now);
    }
    return wrong;
}

static void remedy_options(const struct setting *setting, const struct repair *repair, struct remedy *remedy)
{
    autofree char *value = xasprintf("ids=%s%s", text_string(&repair->ids), text_string(&repair->others));

    if (repair->complete && repair->ids.length > 0)
        remedy_rewrite_line(setting, remedy, value);
    else
        text_printf(&remedy->lines,
                    "# write VENDOR:DEVICE, several with commas and no blanks, as in\n"
                    "# options vfio-pci ids=10de:2484,10de:228b\n"
                    "nano /%s\n",
                    setting->file);
    remedy_refresh(remedy);
}

static void check_line(const struct setting *setting, struct findings *ret)
{
    struct repair repair = {.complete = true};
    autofree char *wrong = read_options(setting->value, &repair);

    if (wrong != NULL) {
        evidence_setting(setting, &ret->evidence);
        remedy_options(setting, &repair, &ret->remedy);
        findings_add(ret, SEVERITY_WARNING, "%s", wrong);
    }
    text_release(&repair.ids);
    text_release(&repair.others);
}

#define MOST_IDS 1023

/* The module is not loaded with such a list; one that is loaded had another. */
static void check_length(const struct subject *subject, const char *ids, const struct setting *setting,
                         struct findings *ret)
{
    if (strlen(ids) <= MOST_IDS)
        return;
    bool loaded = facts_module(subject->facts, "vfio_pci") >= MODULE_BUILT_IN;
    if (setting != NULL) {
        text_printf(&ret->evidence, "/%s, line %u: ids of %zu characters", setting->file, setting->line,
                    strlen(ids));
        text_printf(&ret->remedy.lines,
                    "# leave out ids that the host has no device for, or bind devices one by one:\n"
                    "# hostpci set /nodes/localhost/hardware/pci/ID/driver --driver vfio-pci "
                    "--persistent 1\nnano /%s\n" REMEDY_INITRAMFS REMEDY_REBOOT,
                    setting->file);
    } else {
        evidence_cmdline(subject->facts, &ret->evidence, "vfio-pci.ids");
    }
    findings_add(ret, loaded ? SEVERITY_WARNING : SEVERITY_ERROR,
                 "The list of ids for vfio-pci is longer than 1023 characters, with which the module is not "
                 "loaded.");
}

static void check_ids_syntax(const struct subject *subject, struct findings *ret)
{
    const struct host_settings *settings = &subject->facts->settings;
    struct repair repair = {.complete = true};
    const struct setting *setting;
    autofree char *ids = xcalloc(IDS_SIZE, 1);

    for (size_t i = 0; (setting = host_settings_find(settings, SETTING_OPTIONS, "vfio_pci", i)) != NULL;
         i = (size_t)(setting - settings->list) + 1)
        check_line(setting, ret);
    if (host_settings_option(settings, "vfio_pci", "ids", ids, IDS_SIZE, &setting))
        check_length(subject, ids, setting, ret);
    if (!facts_parameter(subject->facts, "vfio-pci.ids", ids, IDS_SIZE))
        return;
    check_length(subject, ids, NULL, ret);
    autofree char *wrong = read_ids(ids, &repair);
    if (wrong != NULL) {
        evidence_cmdline(subject->facts, &ret->evidence, "vfio-pci.ids");
        text_append(&ret->remedy.lines,
                    "# correct it in the settings of your boot loader: VENDOR:DEVICE, several "
                    "with commas and no blanks\n");
        findings_add(ret, SEVERITY_WARNING, "vfio-pci cannot understand '%s' in vfio-pci.ids.", wrong);
    }
    text_release(&repair.ids);
}

static const struct check vfio_ids_syntax_check = {
    .id = "vfio-ids-syntax",
    .scope = CHECK_HOST,
    .blocks = true,
    .section = MANUAL_DEVICE,
    .sentence = "pass the device IDs to the options of the vfio-pci modules by adding options vfio-pci "
                "ids=1234:5678,4321:8765",
    .text = "that vfio-pci can understand its options, in modprobe.d and on the command line",
    .run = check_ids_syntax,
};

/* Each word must stand behind "pre:" or "post:", which are words of their own. */
static bool find_stray(const char *dependencies, struct text *before, char stray[static 64])
{
    autofree char *copy = xstrdup(dependencies);
    char *rest = copy;
    bool placed = false, found = false;

    for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
        bool marks = strcmp(word, "pre:") == 0 || strcmp(word, "post:") == 0;
        const char *module = text_starts_with(word, "pre:") && !marks ? word + strlen("pre:") : word;
        if (*word == '\0')
            continue;
        if (!marks && (!placed || module != word)) {
            if (!found)
                snprintf(stray, 64, "%s", word);
            found = true;
            text_printf(before, " %s", module);
        }
        placed |= marks;
    }
    return found;
}

static void check_softdeps(const struct subject *subject, struct findings *ret)
{
    const struct host_settings *settings = &subject->facts->settings;
    char stray[64];

    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->list[i];
        autotext struct text before = {0};
        if (setting->kind != SETTING_SOFTDEP || !find_stray(setting->value, &before, stray))
            continue;
        evidence_setting(setting, &ret->evidence);
        autofree char *value = xasprintf("pre:%s", text_string(&before));
        remedy_rewrite_line(setting, &ret->remedy, value);
        text_append(&ret->remedy.lines, REMEDY_INITRAMFS REMEDY_REBOOT);
        findings_add(ret, SEVERITY_WARNING,
                     "The softdep line of %s ignores '%s', before which the word pre: is missing.",
                     setting->module, stray);
    }
}

static const struct check softdep_syntax_check = {
    .id = "softdep-syntax",
    .scope = CHECK_HOST,
    .section = MANUAL_DEVICE,
    .sentence = "# echo \"softdep <some-module> pre: vfio-pci\" >> /etc/modprobe.d/<some-module>.conf",
    .text = "softdep lines without pre: or post:",
    .run = check_softdeps,
};

const struct check *const checks_options[] = {&vfio_ids_syntax_check, &softdep_syntax_check, NULL};
