/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's settings for passthrough as a whole. */
#include "hardware/settings/tuning.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/facts/settings.h"
#include "hardware/paths.h"
#include "hardware/settings/kernel.h"

#define MOST_CMDLINE 65536

static void make_digest(struct tuning *tuning)
{
    const char *const texts[] = {tuning->modprobe, tuning->modules, tuning->boot_text};
    autotext struct text all = {0};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        text_printf(&all, "%d:%s\n", texts[i] != NULL, texts[i] != NULL ? texts[i] : "");
    hash_sha1(all.data, all.length, tuning->digest);
}

static int read_line(const struct sysroot *sysroot, struct tuning *tuning, struct error *err)
{
    const struct boot *boot = &tuning->boot;

    if (boot->kind == BOOT_UNKNOWN) {
        error_set(
            &tuning->no_line, ERROR_FAILED,
            "it is not known where this host keeps the kernel's command line (%s): set it by hand in the "
            "settings of your boot loader",
            boot->evidence);
        return 0;
    }
    if (modprobe_read_file(sysroot, boot->file, &tuning->boot_text, err) != 0)
        return -1;
    if (tuning->boot_text == NULL)
        error_set(&tuning->no_line, ERROR_FAILED,
                  "'/%s' does not exist: type `tr ' ' '\\n' < /" PROC_CMDLINE
                  " | grep -v -e ^initrd= -e ^BOOT_IMAGE= | paste -sd ' ' > /%s`, and try again",
                  boot->file, boot->file);
    else if (boot_read_line(boot, tuning->boot_text, &tuning->line, &tuning->no_line) == 0)
        boot_check_others(sysroot, boot, &tuning->no_line);
    return 0;
}

int tuning_read(const struct sysroot *sysroot, struct tuning *ret, struct error *err)
{
    struct tuning tuning = {.kept = NULL};

    boot_find(sysroot, &tuning.boot);
    if (modprobe_read_file(sysroot, MODPROBE_FILE, &tuning.modprobe, err) != 0 ||
        modprobe_read_file(sysroot, MODULES_FILE, &tuning.modules, err) != 0 ||
        read_line(sysroot, &tuning, err) != 0) {
        tuning_release(&tuning);
        return -1;
    }
    if (modprobe_parse(tuning.modprobe, tuning.modules, &tuning.kept, &tuning.changed) != 0)
        tuning.kept = json_object();
    if (tuning.line == NULL)
        tuning.line = xstrdup("");
    make_digest(&tuning);
    *ret = tuning;
    return 0;
}

void tuning_release(struct tuning *tuning)
{
    free(tuning->modprobe);
    free(tuning->modules);
    json_decref(tuning->kept);
    free(tuning->boot_text);
    free(tuning->line);
}

/* The single options that hostpci keeps, and where the kernel shows what it has; it does not show ids. */
static const struct {
    const char *member, *module, *option;
    bool shown;
} options[] = {
    {"ids", "vfio-pci", "ids", false},
    {"disable-vga", "vfio-pci", "disable_vga", true},
    {"disable-idle-d3", "vfio-pci", "disable_idle_d3", true},
    {"allow-unsafe-interrupts", "vfio_iommu_type1", "allow_unsafe_interrupts", true},
};

static void add_effective(json_t *list, const char *name, const char *value, const char *source, bool kept)
{
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i}", "name", name, "value", value, "source",
                                          source, "kept", (int)kept));
}

/* "ids=10de:2484 disable_vga=1": gives the value of each that is named `option`, the last one. */
static bool find_option(const char *words, const char *option, char *value, size_t size)
{
    autofree char *copy = xstrdup(words);
    char *rest = copy;
    bool found = false;

    for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
        size_t length = strcspn(word, "=");
        autofree char *name = xstrndup(word, length);
        if (!module_name_equal(name, option))
            continue;
        found = true;
        snprintf(value, size, "%s", word[length] == '=' ? word + length + 1 : "");
    }
    return found;
}

static void add_files(const struct host_settings *files, size_t index, json_t *list)
{
    autofree char *name = xasprintf("%s.%s", options[index].module, options[index].option);
    const struct setting *setting;
    char value[1024];

    for (size_t i = 0;
         (setting = host_settings_find(files, SETTING_OPTIONS, options[index].module, i)) != NULL;
         i = (size_t)(setting - files->list) + 1) {
        autofree char *source = xasprintf("/%s, line %u", setting->file, setting->line);
        if (find_option(setting->value, options[index].option, value, sizeof(value)))
            add_effective(list, name, value, source, strcmp(setting->file, MODPROBE_FILE) == 0);
    }
}

static void add_from_kernel(const char *cmdline, size_t index, json_t *list)
{
    autofree char *name = xasprintf("%s.%s", options[index].module, options[index].option);
    char value[1024];

    if (find_option(cmdline, name, value, sizeof(value)))
        add_effective(list, name, value, "/" PROC_CMDLINE, false);
}

static void add_lists(const struct host_settings *files, json_t *list)
{
    static const struct {
        enum setting_kind kind;
        const char *name, *file;
    } kinds[] = {{SETTING_BLACKLIST, "blacklist", MODPROBE_FILE},
                 {SETTING_SOFTDEP, "softdep", MODPROBE_FILE},
                 {SETTING_INSTALL, "install", MODPROBE_FILE},
                 {SETTING_LOAD, "modules", MODULES_FILE}};

    for (size_t i = 0; i < files->count; i++)
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            const struct setting *setting = &files->list[i];
            autofree char *source = xasprintf("/%s, line %u", setting->file, setting->line);
            autofree char *value =
                xasprintf("%s%s%s", setting->module, setting->value[0] != '\0' ? " " : "", setting->value);
            if (setting->kind == kinds[k].kind)
                add_effective(list, kinds[k].name, value, source, strcmp(setting->file, kinds[k].file) == 0);
        }
}

/* In the order in which modprobe gives them to a module: the files by their names, then the command line. */
static json_t *list_effective(const struct sysroot *sysroot, const char *cmdline)
{
    struct host_settings files;
    json_t *list = json_array();

    host_settings_read(sysroot, &files);
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        add_files(&files, i, list);
        add_from_kernel(cmdline, i, list);
    }
    add_lists(&files, list);
    host_settings_release(&files);
    return list;
}

static char *read_cmdline(const struct sysroot *sysroot)
{
    char *cmdline = NULL;

    return sysfs_read_whole(sysroot_fd(sysroot), PROC_CMDLINE, MOST_CMDLINE, &cmdline) >= 0 ? cmdline
                                                                                            : xstrdup("");
}

static void add_reason(json_t *reasons, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_reason(json_t *reasons, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    autofree char *text = xvasprintf(format, args);
    va_end(args);
    json_array_append_new(reasons, json_string(text));
}

/* "Y\n" and "1" say the same. */
static bool is_true(const char *value)
{
    return value[0] == 'Y' || value[0] == 'y' || value[0] == '1';
}

static void compare_options(const struct sysroot *sysroot, const json_t *kept, json_t *reasons)
{
    char value[64];

    for (size_t i = 0; i < COUNT_OF(options); i++) {
        const json_t *wanted = json_object_get(kept, options[i].member);
        struct host_path folder = path_of_module(options[i].module, "parameters"),
                         file = path_below(folder.text, options[i].option, NULL);
        if (wanted == NULL || !options[i].shown ||
            sysfs_read(sysroot_fd(sysroot), file.text, value, sizeof(value)) < 0 ||
            is_true(value) == (json_integer_value(wanted) != 0))
            continue;
        add_reason(reasons, "%s is to be %d, and the running kernel has %s (/%s)", options[i].member,
                   (int)json_integer_value(wanted), value, file.text);
    }
}

struct comparison {
    const struct sysroot *sysroot;
    const struct inventory *inventory;
    json_t *reasons;
};

/* Only vendor and device are compared: vfio-pci looks at the rest as well, so this may say too much, never
 * too little. */
static int compare_id(void *context, const char *word)
{
    const struct comparison *comparison = context;
    unsigned vendor, device;
    char id[PCI_ADDRESS_SIZE];

    if (sscanf(word, "%4x:%4x", &vendor, &device) != 2)
        return 0;
    for (size_t i = 0; i < comparison->inventory->count; i++) {
        const struct pci_device *function = &comparison->inventory->devices[i];
        if (function->vendor != vendor || function->device != device ||
            text_starts_with(function->driver, "vfio"))
            continue;
        pci_address_format(function->address, id);
        add_reason(comparison->reasons, "%s (%s) is to be with vfio-pci, and is with %s", id, word,
                   function->driver[0] != '\0' ? function->driver : "no driver");
    }
    return 0;
}

static int compare_blacklist(void *context, const char *module)
{
    const struct comparison *comparison = context;
    struct host_path file = path_of_module(module, "initstate");

    if (sysfs_exists(sysroot_fd(comparison->sysroot), file.text))
        add_reason(comparison->reasons, "%s is not to be loaded, and is (/%s)", module, file.text);
    return 0;
}

static int compare_module(void *context, const char *module)
{
    const struct comparison *comparison = context;
    struct host_path folder = path_of_module(module, NULL);

    if (!sysfs_exists(sysroot_fd(comparison->sysroot), folder.text))
        add_reason(comparison->reasons, "%s is to be loaded, and is not (`modprobe %s` loads it now)", module,
                   module);
    return 0;
}

static void compare_module_options(const struct sysroot *sysroot, const json_t *list, json_t *reasons)
{
    char value[256];

    for (size_t i = 0; i < json_array_size(list); i++) {
        autofree char *line = xstrdup(json_string_value(json_array_get(list, i)));
        char *rest = line, *module = strsep(&rest, " ");
        for (char *word; (word = strsep(&rest, " ")) != NULL;) {
            char *name = strsep(&word, "=");
            struct host_path folder = path_of_module(module, "parameters"),
                             file = path_below(folder.text, name, NULL);
            if (word == NULL || sysfs_read(sysroot_fd(sysroot), file.text, value, sizeof(value)) < 0 ||
                strcmp(value, word) == 0 ||
                (strlen(value) == 1 && strlen(word) == 1 && is_true(value) == is_true(word)))
                continue;
            add_reason(reasons, "%s of %s is to be %s, and the running kernel has %s (/%s)", name, module,
                       word, value, file.text);
        }
    }
}

static bool has_word(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
            return true;
    return false;
}

static bool has_same(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (kernel_parameter_equal(json_string_value(json_array_get(list, i)), word))
            return true;
    return false;
}

/* What other files of the boot loader add to the line is not known here, so a parameter that runs and is not
 * in our line is no reason. */
static void compare_line(const struct tuning *tuning, const char *cmdline, json_t *reasons)
{
    autojson json_t *wanted = kernel_line_list(tuning->line), *running = kernel_line_list(cmdline);
    size_t i;
    const json_t *word;

    json_array_foreach(wanted, i, word) {
        const char *text = json_string_value(word);
        if (!has_word(running, text))
            add_reason(reasons, "%s is in /%s, and the running kernel was started %s (/" PROC_CMDLINE ")",
                       text, tuning->boot.file,
                       has_same(running, text) ? "with another value" : "without it");
    }
}

json_t *tuning_list_reasons(const struct sysroot *sysroot, const struct inventory *inventory,
                            const struct tuning *tuning)
{
    autofree char *cmdline = read_cmdline(sysroot);
    struct comparison comparison = {sysroot, inventory, json_array()};
    const json_t *kept = tuning->kept;

    modprobe_each(json_text_or(kept, "ids", NULL), compare_id, &comparison);
    compare_options(sysroot, kept, comparison.reasons);
    compare_module_options(sysroot, json_object_get(kept, "options"), comparison.reasons);
    if (json_object_get(kept, "blacklist") != NULL)
        modprobe_each(json_text_or(kept, "blacklist", NULL), compare_blacklist, &comparison);
    if (json_object_get(kept, "modules") != NULL)
        modprobe_each(json_text_or(kept, "modules", NULL), compare_module, &comparison);
    compare_line(tuning, cmdline, comparison.reasons);
    return comparison.reasons;
}

static json_t *describe_boot(const struct tuning *tuning)
{
    const struct boot *boot = &tuning->boot;
    json_t *loader = json_pack("{s:s, s:s}", "name", boot->name, "evidence", boot->evidence);

    if (boot->kind == BOOT_UNKNOWN)
        return loader;
    autofree char *file = xasprintf("/%s", boot->file);
    json_object_update_new(
        loader, json_pack("{s:s, s:s, s:s}", "file", file, "refresh", boot->refresh, "line", tuning->line));
    return loader;
}

int tuning_describe(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                    struct error *err)
{
    autotuning struct tuning tuning = {.kept = NULL};
    autofree char *cmdline = read_cmdline(sysroot);

    if (tuning_read(sysroot, &tuning, err) != 0)
        return -1;
    json_t *reasons = tuning_list_reasons(sysroot, inventory, &tuning), *problems = json_array();
    if (tuning.changed.message[0] != '\0')
        json_array_append_new(problems, json_string(tuning.changed.message));
    if (tuning.no_line.message[0] != '\0')
        json_array_append_new(problems, json_string(tuning.no_line.message));
    *ret = json_copy(tuning.kept);
    json_object_update_new(
        *ret, json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:o}", "digest", tuning.digest, "boot-loader",
                        describe_boot(&tuning), "kernel", kernel_line_list(tuning.line), "effective",
                        list_effective(sysroot, cmdline), "problems", problems, "reboot-needed",
                        json_array_size(reasons) > 0 ? 1 : 0, "reasons", reasons));
    return 0;
}
