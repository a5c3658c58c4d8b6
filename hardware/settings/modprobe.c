/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of module settings that hostpci keeps. */
#include "hardware/settings/modprobe.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/module.h"
#include "hardware/paths.h"

#define HEADER "# Written by hostpci: change it with `hostpci set /nodes/localhost/hardware/vfio`.\n"

/* Members that are one line each. A boolean's value is its number. */
static const struct {
    const char *member, *line;
    bool boolean;
} lines[] = {
    {"ids", "options vfio-pci ids=", false},
    {"disable-vga", "options vfio-pci disable_vga=", true},
    {"disable-idle-d3", "options vfio-pci disable_idle_d3=", true},
    {"allow-unsafe-interrupts", "options vfio_iommu_type1 allow_unsafe_interrupts=", true},
};

/* Members that are a line for each module. */
static const struct {
    const char *member, *before, *after;
} lists[] = {{"blacklist", "blacklist ", ""}, {"softdep", "softdep ", " pre: vfio-pci"}};

int modprobe_read_file(const struct sysroot *sysroot, const char *file, char **ret, struct error *err)
{
    autofree char *text = xcalloc(1, SETTINGS_LIMIT + 1);
    int length = sysfs_read_bytes(sysroot_fd(sysroot), file, text, SETTINGS_LIMIT);

    if (length == -ENOENT || length == -ENOTDIR) {
        *ret = NULL;
        return 0;
    }
    if (length < 0)
        return error_set_errno(err, -length, "cannot read '/%s'", file);
    autojson json_t *value = strlen(text) == (size_t)length ? json_string(text) : NULL;
    if (value == NULL)
        return error_set(err, ERROR_FAILED, "'/%s' is not UTF-8 text: it can only be changed by hand", file);
    *ret = TAKE(text);
    return 0;
}

int modprobe_each(const char *list, int (*each)(void *context, const char *word), void *context)
{
    autofree char *copy = list != NULL ? xstrdup(list) : NULL;
    char *rest = copy;
    int result = 0;

    for (char *word; result == 0 && (word = strsep(&rest, ",")) != NULL;)
        result = each(context, word);
    return result;
}

static void add_word(json_t *settings, const char *member, const char *word, size_t length)
{
    const char *before = json_text_or(settings, member, NULL);
    autofree char *list =
        xasprintf("%s%s%.*s", before != NULL ? before : "", before != NULL ? "," : "", (int)length, word);

    json_object_set_new(settings, member, json_string(list));
}

static bool read_single(json_t *settings, const char *line)
{
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        if (!text_starts_with(line, lines[i].line))
            continue;
        const char *value = line + strlen(lines[i].line);
        json_object_set_new(settings, lines[i].member,
                            lines[i].boolean ? json_integer(value[0] == '1') : json_string(value));
        return true;
    }
    return false;
}

enum options { OPTIONS_FINE, OPTIONS_NONE, OPTIONS_WRONG, OPTIONS_RESERVED };

/* "i915 enable_gvt=1 max_vfs=7". A value has no blank, no quote and no slash, so that it is one and names no
 * file. ret_word is what is wrong, and *ret_member the setting that it belongs to. */
static enum options judge_options(const char *line, char ret_word[static 128], const char **ret_member)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    static const char value[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:;@+-";
    autofree char *copy = xstrdup(line);
    char *rest = copy, *module = strsep(&rest, " ");
    enum options result = OPTIONS_NONE;

    for (char *word; (word = strsep(&rest, " ")) != NULL; result = OPTIONS_FINE) {
        size_t length = strspn(word, name);
        autofree char *start = xasprintf("options %s %.*s=", module, (int)length, word);
        snprintf(ret_word, 128, "%s", word);
        if (length == 0 || word[length] != '=' || word[length + 1 + strspn(word + length + 1, value)] != '\0')
            return OPTIONS_WRONG;
        for (size_t i = 0; i < COUNT_OF(lines); i++)
            if (module_name_equal(start, lines[i].line)) {
                *ret_member = lines[i].member;
                return OPTIONS_RESERVED;
            }
    }
    return result;
}

static void read_line(json_t *settings, const char *line)
{
    const char *member;
    char wrong[128];

    if (read_single(settings, line))
        return;
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        if (text_starts_with(line, lists[i].before) && text_ends_with(line, lists[i].after)) {
            const char *word = line + strlen(lists[i].before);
            add_word(settings, lists[i].member, word, strcspn(word, " "));
            return;
        }
    if (text_starts_with(line, "options ") &&
        judge_options(line + strlen("options "), wrong, &member) == OPTIONS_FINE) {
        if (json_object_get(settings, "options") == NULL)
            json_object_set_new(settings, "options", json_array());
        json_array_append_new(json_object_get(settings, "options"), json_string(line + strlen("options ")));
    }
}

static void read_module(json_t *settings, const char *line)
{
    if (line[0] != '#' && line[0] != '\0')
        add_word(settings, "modules", line, strlen(line));
}

static void read_lines(const char *text, void (*read)(json_t *, const char *), json_t *settings)
{
    autofree char *copy = xstrdup(text != NULL ? text : "");
    char *rest = copy;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        read(settings, line);
}

/* The first line in which the two differ. */
static int compare(const char *file, const char *found, char *written, struct error *err)
{
    autofree char *expected = written;
    const char *at = found, *other = expected != NULL ? expected : HEADER;
    unsigned number = 1;

    if (found == NULL || found[0] == '\0' || strcmp(found, other) == 0)
        return 0;
    for (; *at == *other && *at != '\0'; at++, other++)
        number += *at == '\n';
    return error_set(
        err, ERROR_CONFLICT,
        "line %u of '/%s' is not as hostpci writes it: somebody changed that file by hand. Move what "
        "is yours to another file of that folder, and restore or remove this one",
        number, file);
}

int modprobe_parse(const char *modprobe, const char *modules, json_t **ret, struct error *err)
{
    autojson json_t *settings = json_object();

    read_lines(modprobe, read_line, settings);
    read_lines(modules, read_module, settings);
    if (compare(MODPROBE_FILE, modprobe, modprobe_print(settings), err) != 0 ||
        compare(MODULES_FILE, modules, modprobe_print_modules(settings), err) != 0)
        return -1;
    *ret = TAKE(settings);
    return 0;
}

struct print {
    struct text text;
    const char *before, *after;
};

static int print_word(void *context, const char *word)
{
    struct print *print = context;

    text_printf(&print->text, "%s%s%s\n", print->before, word, print->after);
    return 0;
}

char *modprobe_print(const json_t *settings)
{
    struct print print = {.before = ""};
    const json_t *options = json_object_get(settings, "options");

    text_append(&print.text, HEADER);
    size_t empty = print.text.length;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const json_t *value = json_object_get(settings, lines[i].member);
        if (value != NULL && lines[i].boolean)
            text_printf(&print.text, "%s%d\n", lines[i].line, json_integer_value(value) != 0);
        else if (value != NULL)
            text_printf(&print.text, "%s%s\n", lines[i].line, json_string_value(value));
    }
    for (size_t i = 0; i < json_array_size(options); i++)
        text_printf(&print.text, "options %s\n", json_string_value(json_array_get(options, i)));
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        print.before = lists[i].before;
        print.after = lists[i].after;
        if (json_object_get(settings, lists[i].member) != NULL)
            modprobe_each(json_text_or(settings, lists[i].member, NULL), print_word, &print);
    }
    if (print.text.length > empty)
        return text_take(&print.text);
    text_release(&print.text);
    return NULL;
}

char *modprobe_print_modules(const json_t *settings)
{
    struct print print = {.before = "", .after = ""};

    if (json_object_get(settings, "modules") == NULL)
        return NULL;
    text_append(&print.text, HEADER);
    modprobe_each(json_text_or(settings, "modules", NULL), print_word, &print);
    return text_take(&print.text);
}

/* What is checked, and against what. */
struct check {
    const struct sysroot *sysroot;
    const struct inventory *inventory;
    const char *member;
    const char *now; /* the same list as it is: its modules were checked before; may be NULL */
    struct error *err;
};

static bool is_of_vfio(const char *module)
{
    static const char *const names[] = {"vfio",        "vfio_pci",  "vfio_pci_core", "vfio_iommu_type1",
                                        "vfio_virqfd", "vfio_mdev", "mdev",          "kvmgt",
                                        "pci_stub",    "iommufd"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (module_name_equal(names[i], module))
            return true;
    size_t length = strlen(module), end = strlen("_vfio_pci");
    return length > end && module_name_equal(module + length - end, "_vfio_pci");
}

static bool names_module(const json_t *modules, const char *module)
{
    for (size_t i = 0; i < json_array_size(modules); i++)
        if (module_name_equal(json_string_value(json_array_get(modules, i)), module))
            return true;
    return false;
}

static bool drives_function(const struct check *check, const char *module)
{
    const struct inventory *inventory = check->inventory;
    char modalias[256];

    for (size_t i = 0; i < inventory->count; i++)
        if (module_name_equal(inventory->devices[i].driver, module))
            return true;
    for (size_t i = 0; i < inventory->count; i++) {
        struct host_path file = pci_path(inventory->devices[i].address, "modalias");
        if (sysfs_read(sysroot_fd(check->sysroot), file.text, modalias, sizeof(modalias)) <= 0)
            continue;
        autojson json_t *modules = module_list_for(check->sysroot, modalias);
        if (names_module(modules, module))
            return true;
    }
    return false;
}

static int is_same(void *context, const char *word)
{
    return module_name_equal(context, word) ? 1 : 0;
}

static int check_module(void *context, const char *module)
{
    const struct check *check = context;
    autofree char *copy = xstrdup(module);
    size_t length = strspn(module, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    if (length == 0 || length > 63 || module[length] != '\0')
        return error_set_field(check->err, check->member, "'%.80s' is not the name of a module", module);
    if (modprobe_each(check->now, is_same, copy) != 0 || is_of_vfio(module) || drives_function(check, module))
        return 0;
    return error_set_field(
        check->err, check->member,
        "'%s' is neither a module of VFIO nor one that drives a PCI device of this host, and other "
        "modules are not set here: write a file of your own into /etc/modprobe.d or "
        "/etc/modules-load.d",
        module);
}

bool modprobe_id_is_valid(const char *word)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    unsigned parts = 0;

    for (const char *at = word;; at++) {
        size_t length = strspn(at, hex);
        parts++;
        if (length == 0 || (parts <= 4 ? length != 4 : length > 8) || parts > 6)
            return false;
        at += length;
        if (*at == '\0')
            return parts >= 2;
        if (*at != ':')
            return false;
    }
}

static int check_id(void *context, const char *word)
{
    const struct check *check = context;

    if (modprobe_id_is_valid(word))
        return 0;
    return error_set_field(
        check->err, check->member,
        "'%.80s' is not VENDOR:DEVICE, or VENDOR:DEVICE:SUBVENDOR:SUBDEVICE, in hexadecimal digits", word);
}

static int check_options(struct check *check, const char *line)
{
    autofree char *module = xstrndup(line, strcspn(line, " "));
    const char *own = "";
    char word[128] = "";

    if (check_module(check, module) != 0)
        return -1;
    switch (judge_options(line, word, &own)) {
    case OPTIONS_FINE:
        return 0;
    case OPTIONS_RESERVED:
        return error_set_field(check->err, check->member, "'%s' has a setting of its own: %s", word, own);
    case OPTIONS_NONE:
        return error_set_field(check->err, check->member, "'%.80s' names no PARAMETER=VALUE after the module",
                               line);
    default:
        return error_set_field(
            check->err, check->member,
            "'%.80s' is not PARAMETER=VALUE, with letters, digits and _.,:;@+- in the value", word);
    }
}

static int check_all_options(struct check *check, const json_t *options, const json_t *now)
{
    size_t i;
    const json_t *option;

    check->member = "options";
    json_array_foreach(options, i, option) {
        const char *line = json_string_value(option), *same = NULL;
        autofree char *module = xstrndup(line, strcspn(line, " "));
        for (size_t k = 0; k < json_array_size(now); k++)
            if (json_equal(option, json_array_get(now, k)))
                same = module;
        check->now = same;
        if (check_options(check, line) != 0)
            return -1;
    }
    return 0;
}

#define MOST_IDS 1023 /* more, and vfio-pci is not loaded: param_set_copystring() in kernel/params.c */

int modprobe_check(const struct sysroot *sysroot, const struct inventory *inventory, const json_t *settings,
                   const json_t *now, struct error *err)
{
    static const char *const modules[] = {"blacklist", "softdep", "modules"};
    struct check check = {.sysroot = sysroot, .inventory = inventory, .member = "ids", .err = err};
    const char *ids = json_text_or(settings, "ids", NULL);

    if (ids != NULL && strlen(ids) > MOST_IDS)
        return error_set_field(err, "ids", "vfio-pci takes at most %d characters", MOST_IDS);
    if (modprobe_each(ids, check_id, &check) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(modules); i++) {
        const char *list = json_text_or(settings, modules[i], NULL);
        check.member = modules[i];
        check.now = json_text_or(now, modules[i], NULL);
        if (modprobe_each(list, check_module, &check) != 0)
            return -1;
    }
    return check_all_options(&check, json_object_get(settings, "options"), json_object_get(now, "options"));
}
