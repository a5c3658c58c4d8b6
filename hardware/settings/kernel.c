/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of the kernel's command line. */
#include "hardware/settings/kernel.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/module.h"

#define BLANKS " \t\n"
#define BOOLEAN                                                                                              \
    "0\0"                                                                                                    \
    "1\0"                                                                                                    \
    "Y\0"                                                                                                    \
    "N\0"                                                                                                    \
    "y\0"                                                                                                    \
    "n\0"
#define DIGITS "0123456789"
#define HEX    DIGITS "abcdefABCDEF"
#define SMALL  "abcdefghijklmnopqrstuvwxyz"

/* A value is a comma-separated list of `words`; without `words`, of strings of the allowed `characters`; a
 * parameter that has neither takes no value. A word that ends in '=', ':' or '-' is followed by `characters`.
 * No value may contain ';': update-grub copies the line unquoted into grub.cfg, where a new command would
 * begin after it. */
static const struct parameter {
    const char *name;
    const char *words; /* each ends with a NUL */
    const char *characters;
} parameters[] = {
    {"intel_iommu", "on\0off\0igfx_off\0forcedac\0strict\0sp_off\0sm_on\0sm_off\0tboot_noforce\0", NULL},
    {"amd_iommu", "on\0off\0fullflush\0force_isolation\0force_enable\0pgtbl_v1\0pgtbl_v2\0", NULL},
    {"amd_iommu_intr", "legacy\0vapic\0", NULL},
    {"iommu", "on\0off\0pt\0nopt\0force\0noforce\0soft\0merge\0nomerge\0biomerge\0strict\0nostrict\0", NULL},
    {"iommu.passthrough", BOOLEAN, NULL},
    {"iommu.strict", BOOLEAN, NULL},
    {"iommu.forcedac", BOOLEAN, NULL},
    {"intremap", "on\0off\0nosid\0no_x2apic_optout\0nopost\0", NULL},
    {"pci",
     "noaer\0nomsi\0nommconf\0noats\0nocrs\0use_crs\0noacpi\0realloc\0realloc=\0assign-busses\0hpbussize=\0"
     "hpiosize=\0hpmemsize=\0hpmmiosize=\0hpmmioprefsize=\0resource_alignment=\0big_root_window\0pcie_scan_"
     "all\0"
     "pcie_bus_tune_off\0pcie_bus_safe\0pcie_bus_perf\0pcie_bus_peer2peer\0disable_acs_redir=\0nobar\0",
     HEX SMALL "KMG@:."},
    {"pcie_acs_override", "downstream\0multifunction\0id:\0", HEX ":"},
    {"pcie_aspm", "off\0force\0", NULL},
    {"pcie_port_pm", "off\0force\0", NULL},
    {"vfio_iommu_type1.allow_unsafe_interrupts", BOOLEAN, NULL},
    {"vfio_pci.ids", NULL, HEX ":"},
    {"vfio_pci.disable_vga", BOOLEAN, NULL},
    {"vfio_pci.disable_idle_d3", BOOLEAN, NULL},
    {"vfio_pci.nointxmask", BOOLEAN, NULL},
    {"vfio_pci.enable_sriov", BOOLEAN, NULL},
    {"rd.driver.pre", "vfio-pci\0vfio_pci\0", NULL},
    {"kvm.ignore_msrs", BOOLEAN, NULL},
    {"kvm.report_ignored_msrs", BOOLEAN, NULL},
    {"i915.enable_gvt", BOOLEAN, NULL},
    {"i915.enable_guc", NULL, DIGITS},
    {"i915.max_vfs", NULL, DIGITS},
    {"xe.max_vfs", NULL, DIGITS},
    {"video", "efifb:\0vesafb:\0simplefb:\0astdrmfb:\0HDMI-A-\0DP-\0eDP-\0VGA-\0DVI-D-\0",
     DIGITS SMALL "xMRie@-:"},
    {"initcall_blacklist", "sysfb_init\0", NULL},
    {"nomodeset", NULL, NULL},
    {"nofb", NULL, NULL},
};

static bool is_named(const char *word, const char *name)
{
    autofree char *own = xstrndup(word, strcspn(word, "="));

    return module_name_equal(own, name);
}

static const struct parameter *find(const char *word)
{
    for (size_t i = 0; i < COUNT_OF(parameters); i++)
        if (is_named(word, parameters[i].name))
            return &parameters[i];
    return NULL;
}

bool kernel_parameter_equal(const char *a, const char *b)
{
    autofree char *name = xstrndup(a, strcspn(a, "="));

    return is_named(b, name);
}

static bool is_word(const struct parameter *parameter, const char *value)
{
    for (const char *word = parameter->words; *word != '\0'; word += strlen(word) + 1) {
        size_t length = strlen(word);
        bool open = word[length - 1] == '=' || word[length - 1] == ':' || word[length - 1] == '-';
        if (!open && strcmp(word, value) == 0)
            return true;
        if (open && strncmp(value, word, length) == 0 && value[length] != '\0' &&
            value[length + strspn(value + length, parameter->characters)] == '\0')
            return true;
    }
    return false;
}

static bool is_value(const struct parameter *parameter, const char *list)
{
    autofree char *copy = xstrdup(list);
    char *rest = copy;

    for (char *value; (value = strsep(&rest, ",")) != NULL;) {
        bool allowed = parameter->words != NULL
                           ? is_word(parameter, value)
                           : value[0] != '\0' && value[strspn(value, parameter->characters)] == '\0';
        if (!allowed)
            return false;
    }
    return true;
}

static int check_word(const char *field, const char *word, bool alone, struct error *err)
{
    const struct parameter *parameter = find(word);
    const char *value = strchr(word, '=');

    if (parameter == NULL) {
        autotext struct text names = {0};
        for (size_t i = 0; i < COUNT_OF(parameters); i++)
            text_printf(&names, "%s%s", i > 0 ? ", " : "", parameters[i].name);
        return error_set_field(err, field, "'%.60s' cannot be set here; parameters that can: %s", word,
                               text_string(&names));
    }
    if (alone)
        return value == NULL ? 0
                             : error_set_field(err, field, "'%.60s' has a value: give only the name", word);
    bool wants = parameter->words != NULL || parameter->characters != NULL;
    if (wants ? value != NULL && is_value(parameter, value + 1) : value == NULL)
        return 0;
    return error_set_field(err, field,
                           wants ? "'%.80s': the kernel does not know this value of the parameter"
                                 : "'%.80s' has a value, but the parameter takes none",
                           word);
}

static int check_words(const char *field, const char *words, bool alone, struct error *err)
{
    autofree char *copy = xstrdup(words);
    char *rest = copy;

    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0' && check_word(field, word, alone, err) != 0)
            return -1;
    return 0;
}

int kernel_parameters_check(const char *field, const char *words, struct error *err)
{
    return check_words(field, words, false, err);
}

int kernel_parameter_names_check(const char *field, const char *words, struct error *err)
{
    return check_words(field, words, true, err);
}

static void append(struct text *line, const char *word)
{
    text_printf(line, "%s%s", line->length > 0 ? " " : "", word);
}

/* The next word of *rest; NULL at the end. In quotes a word may have blanks (next_arg() in lib/cmdline.c). */
static char *take_word(char **rest)
{
    char *start = *rest + strspn(*rest, BLANKS), *end = start;

    for (bool quoted = false; *end != '\0' && (quoted || strchr(BLANKS, *end) == NULL); end++)
        quoted ^= *end == '"';
    *rest = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return start < end ? start : NULL;
}

/* The last of `words` that is about the same parameter as `word`; NULL if none is. */
static char *find_same(const char *words, const char *word)
{
    autofree char *copy = xstrdup(words != NULL ? words : "");
    char *rest = copy, *found = NULL;

    for (char *other; (other = take_word(&rest)) != NULL;)
        if (kernel_parameter_equal(word, other))
            found = other;
    return found != NULL ? xstrdup(found) : NULL;
}

char *kernel_line_change(const char *line, const char *set, const char *remove)
{
    autofree char *copy = xstrdup(line), *added = xstrdup(set != NULL ? set : "");
    struct text result = {0};
    char *rest = copy;

    for (char *word; (word = take_word(&rest)) != NULL;) {
        autofree char *removed = find_same(remove, word), *wanted = find_same(set, word);
        autofree char *placed = wanted != NULL ? find_same(text_string(&result), word) : NULL;
        if (wanted != NULL && placed == NULL)
            append(&result, wanted);
        else if (wanted == NULL && removed == NULL)
            append(&result, word);
    }
    rest = added;
    for (char *word; (word = take_word(&rest)) != NULL;) {
        autofree char *placed = find_same(text_string(&result), word), *last = find_same(set, word);
        if (placed == NULL)
            append(&result, last);
    }
    return result.data != NULL ? text_take(&result) : xstrdup("");
}

char *kernel_line_value(const char *line, const char *name)
{
    autofree char *word = find_same(line, name);
    const char *value = word != NULL ? strchr(word, '=') : NULL;

    return value != NULL ? xstrdup(value + 1) : NULL;
}

json_t *kernel_line_list(const char *line)
{
    autofree char *copy = xstrdup(line);
    json_t *list = json_array();
    char *rest = copy;

    for (char *word; (word = take_word(&rest)) != NULL;)
        if (find(word) != NULL)
            json_array_append_new(list, json_string(word));
    return list;
}
