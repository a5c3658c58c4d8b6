/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the check functions share: remedies. */
#include "hardware/check/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/shell.h"
#include "base/text.h"
#include "hardware/paths.h"
#include "hardware/settings/kernel.h"
#include "hardware/settings/modprobe.h"

#define MOST_GRUB     65536
#define GRUB          "etc/default/grub"
#define BOOT_LOADER   "etc/kernel/cmdline"

#define GRUB_START    "GRUB_CMDLINE_LINUX"
#define GRUB_VARIABLE "GRUB_CMDLINE_LINUX_DEFAULT"

static const char *refresh_command(const struct facts *facts)
{
    bool proxmox = sysfs_exists(sysroot_fd(facts->sysroot), "etc/kernel/proxmox-boot-uuids");

    return proxmox ? "proxmox-boot-tool refresh\n" : REMEDY_INITRAMFS;
}

enum loader { LOADER_UNKNOWN, LOADER_GRUB, LOADER_CMDLINE };

/* The boot loader that started the host. An unreadable command line leaves it to the files that are there. */
static enum loader loader_of(const struct facts *facts)
{
    int root = sysroot_fd(facts->sysroot);
    bool grub = sysfs_exists(root, GRUB), file = sysfs_exists(root, BOOT_LOADER);
    size_t length;

    if (facts_find_parameter(facts, "BOOT_IMAGE", &length) != NULL)
        return grub ? LOADER_GRUB : LOADER_UNKNOWN;
    return file ? LOADER_CMDLINE : grub ? LOADER_GRUB : LOADER_UNKNOWN;
}

/* Looks for a parameter as a word in the lines of a file that are no comments. In etc/default/grub these are
 * those that begin with GRUB_CMDLINE_LINUX. */
static bool has_parameter(const struct facts *facts, const char *file, const char *start,
                          const char *parameter)
{
    autofree char *text = NULL;
    size_t length = strlen(parameter);

    if (sysfs_read_whole(sysroot_fd(facts->sysroot), file, MOST_GRUB, &text) <= 0)
        return false;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (!text_starts_with(line, start))
            continue;
        for (const char *at = line; (at = strstr(at, parameter)) != NULL; at++)
            if ((at == line || strchr(" \"'", at[-1]) != NULL) && strchr(" \"'", at[length]) != NULL)
                return true;
    }
    return false;
}

/* The usual line, GRUB_CMDLINE_LINUX_DEFAULT="...", to whose end something can be added. */
static bool has_usual_line(const struct facts *facts)
{
    autofree char *text = NULL;

    if (sysfs_read_whole(sysroot_fd(facts->sysroot), GRUB, MOST_GRUB, &text) <= 0)
        return false;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (text_starts_with(line, GRUB_VARIABLE "=\"") && text_ends_with(line, "\"") &&
            strlen(line) > strlen(GRUB_VARIABLE "=\""))
            return true;
    return false;
}

static void append_effect(struct remedy *remedy, enum effect effect)
{
    if (effect == EFFECT_NEEDED)
        remedy_add_reboot(remedy);
    else
        text_append(&remedy->lines, "# it takes effect at the next boot\n");
}

/* Makes effective what is in the files already. */
static void append_refresh(struct remedy *remedy, const char *command)
{
    remedy_offer_call(remedy, "set", json_pack("{s:i}", "refresh", 1), REMEDY_NODE "/hardware/vfio");
    text_append(&remedy->lines, command);
}

void remedy_refresh_by(struct remedy *remedy, const char *command)
{
    append_refresh(remedy, command);
    remedy_add_reboot(remedy);
}

void remedy_refresh(struct remedy *remedy)
{
    remedy_refresh_by(remedy, REMEDY_INITRAMFS);
}

/* The call that sets parameters, or takes one off, by its name, where it may: a table says which. */
static void offer_parameters(struct remedy *remedy, const char *set, const char *remove)
{
    json_t *parameters = json_object();
    struct error err;

    if ((set != NULL && kernel_parameters_check("kernel", set, &err) != 0) ||
        (remove != NULL && kernel_parameter_names_check("kernel-remove", remove, &err) != 0)) {
        json_decref(parameters);
        return;
    }
    if (set != NULL)
        json_object_set_new(parameters, "kernel", json_string(set));
    if (remove != NULL)
        json_object_set_new(parameters, "kernel-remove", json_string(remove));
    remedy_offer_call(remedy, "set", parameters, REMEDY_NODE "/hardware/vfio");
}

/* A parameter that is in the file already has only not taken effect: then it is not added again. */
static void add_parameter(const struct facts *facts, struct remedy *remedy, const char *parameter,
                          enum effect effect)
{
    switch (loader_of(facts)) {
    case LOADER_CMDLINE:
        if (!has_parameter(facts, BOOT_LOADER, "", parameter)) {
            offer_parameters(remedy, parameter, NULL);
            text_printf(&remedy->lines, "sed -i '1s/$/ %s/' /" BOOT_LOADER "\n", parameter);
        }
        append_refresh(remedy, refresh_command(facts));
        break;
    case LOADER_GRUB:
        if (has_parameter(facts, GRUB, GRUB_START, parameter)) {
            append_refresh(remedy, "update-grub\n");
            break;
        }
        offer_parameters(remedy, parameter, NULL);
        if (has_usual_line(facts))
            text_printf(&remedy->lines, "sed -i '/^" GRUB_VARIABLE "=/s/\"$/ %s\"/' /" GRUB "\n", parameter);
        else
            text_printf(&remedy->lines, "echo '" GRUB_VARIABLE "=\"$" GRUB_VARIABLE " %s\"' >> /" GRUB "\n",
                        parameter);
        text_append(&remedy->lines, "update-grub\n");
        break;
    case LOADER_UNKNOWN:
        text_printf(&remedy->lines,
                    "# add to the kernel's command line, in the settings of your boot loader:\n# %s\n",
                    parameter);
        break;
    }
    append_effect(remedy, effect);
}

void remedy_add_parameter(const struct facts *facts, struct remedy *remedy, const char *parameter)
{
    add_parameter(facts, remedy, parameter, EFFECT_NEEDED);
}

void remedy_prefer_parameter(const struct facts *facts, struct remedy *remedy, const char *parameter)
{
    add_parameter(facts, remedy, parameter, EFFECT_LATER);
}

/* Text as sed -E takes it between slashes, as a pattern and as what it is replaced by. */
static char *escape_for_sed(const char *text)
{
    struct text escaped = {0};

    for (; *text != '\0'; text++)
        text_printf(&escaped, "%s%c", strchr("[]{}()*+?|.^$/&\\", *text) != NULL ? "\\" : "", *text);
    return text_take(&escaped);
}

/* The script is one word of the shell; the words that it is made of are escaped already. */
static void append_edit(struct remedy *remedy, const char *file, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void append_edit(struct remedy *remedy, const char *file, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    autofree char *script = xvasprintf(format, arguments);
    va_end(arguments);
    text_append(&remedy->lines, "sed -i -E ");
    shell_quote(&remedy->lines, script);
    text_printf(&remedy->lines, " /%s\n", file);
}

/* A pattern of the setting's whole line, whatever its blanks are. */
static char *line_pattern(const struct setting *setting)
{
    static const struct {
        const char *before, *between;
    } parts[] = {[SETTING_OPTIONS] = {"options\\s+", "\\s+"},
                 [SETTING_BLACKLIST] = {"blacklist\\s+", ""},
                 [SETTING_SOFTDEP] = {"softdep\\s+", "\\s+"},
                 [SETTING_INSTALL] = {"install\\s+", "\\s+"},
                 [SETTING_SYSFS] = {"", "\\s*=\\s*"}};
    autofree char *module = escape_for_sed(setting->module), *value = escape_for_sed(setting->value);

    return xasprintf("^\\s*%s%s%s%s\\s*$", parts[setting->kind].before, module, parts[setting->kind].between,
                     value);
}

/* A pattern of the lines with options of the same module, up to the blank before the first option. */
static char *option_lines(const struct setting *setting)
{
    autofree char *module = escape_for_sed(setting->module);

    return xasprintf("^\\s*options\\s+%s\\s", module);
}

/* The option's name as it stands in the setting: "disable-vga" is disable_vga, too. */
static char *name_as_written(const struct setting *setting, const char *option)
{
    autofree char *copy = xstrdup(setting->value);
    char *rest = copy;

    for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
        word[strcspn(word, "=")] = '\0';
        if (module_name_equal(word, option))
            return xstrdup(word);
    }
    return xstrdup(option);
}

/* Sets an option to another value (NULL: removes it, with its line if that has no other). */
static void edit_option(const struct setting *setting, struct remedy *remedy, const char *option,
                        const char *value)
{
    autofree char *lines = option_lines(setting), *name = name_as_written(setting, option);

    if (setting->continued && value != NULL)
        text_printf(&remedy->lines, "# in line %u of /%s or those that continue it, set:\n# %s=%s\n",
                    setting->line, setting->file, option, value);
    else if (setting->continued)
        text_printf(&remedy->lines, "# in line %u of /%s or those that continue it, remove:\n# %s\n",
                    setting->line, setting->file, option);
    else if (value != NULL)
        append_edit(remedy, setting->file, "/%s/s/\\s%s\\b\\S*/ %s=%s/g", lines, name, option, value);
    else if (strpbrk(setting->value, " \t") != NULL)
        append_edit(remedy, setting->file, "/%s/s/\\s+%s\\b\\S*//g", lines, name);
    else
        append_edit(remedy, setting->file, "/%s*%s\\b\\S*\\s*$/d", lines, name);
}

/* Replaces a kernel parameter by another in those lines ("": in all); by "" it is removed, with the blanks
 * before it. A parameter ends at a blank, a quote (\x27 is the single one) or the end of the line. */
static void edit_parameter(struct remedy *remedy, const char *file, const char *lines, const char *old,
                           const char *new)
{
    autofree char *pattern = escape_for_sed(old), *replacement = escape_for_sed(new);

    if (new[0] == '\0')
        append_edit(remedy, file, "%ss/((^|[\"\\x27])| +)%s([\"\\x27 ]|$)/\\2\\3/", lines, pattern);
    else
        append_edit(remedy, file, "%ss/(^|[\"\\x27 ])%s([\"\\x27 ]|$)/\\1%s\\2/", lines, pattern,
                    replacement);
}

/* What is not in the file was typed at boot, comes from another file, or is gone from there already. */
void remedy_replace_parameter(const struct facts *facts, struct remedy *remedy, const char *old,
                              const char *new, enum effect effect)
{
    enum loader loader = loader_of(facts);
    const char *file = loader == LOADER_GRUB ? GRUB : BOOT_LOADER;

    if (loader == LOADER_UNKNOWN) {
        text_printf(&remedy->lines,
                    "# on the kernel's command line, in the settings of your boot loader, take off:\n# %s\n",
                    old);
        if (new[0] != '\0')
            text_printf(&remedy->lines, "# and add:\n# %s\n", new);
    } else if (has_parameter(facts, file, loader == LOADER_GRUB ? GRUB_START : "", old)) {
        autofree char *name = xstrndup(old, strcspn(old, "="));
        if (effect == EFFECT_NEEDED) /* else another of that name may be meant to stay */
            offer_parameters(remedy, new[0] != '\0' ? new : NULL, new[0] != '\0' ? NULL : name);
        edit_parameter(remedy, file, loader == LOADER_GRUB ? "/^" GRUB_START "/" : "", old, new);
        text_append(&remedy->lines, loader == LOADER_GRUB ? "update-grub\n" : refresh_command(facts));
    } else {
        text_printf(&remedy->lines,
                    "# it is not in /%s: look for other files that set it:\ngrep -rn %s /etc/default "
                    "/etc/kernel\n",
                    file, old);
        if (new[0] != '\0') {
            add_parameter(facts, remedy, new, effect);
            return;
        }
        text_append(&remedy->lines, loader == LOADER_GRUB ? "update-grub\n" : refresh_command(facts));
    }
    append_effect(remedy, effect);
}

/* Options that hostpci keeps under a name of its own. What is only a last resort is not offered. */
static const struct {
    const char *module, *option, *member;
    bool offered;
} kept_options[] = {{"vfio-pci", "disable_vga", "disable-vga", true},
                    {"vfio-pci", "disable_idle_d3", "disable-idle-d3", true},
                    {"vfio_iommu_type1", "allow_unsafe_interrupts", "allow-unsafe-interrupts", false}};

static void offer_option(struct remedy *remedy, const char *module, const char *option)
{
    for (size_t i = 0; i < COUNT_OF(kept_options); i++)
        if (kept_options[i].offered && module_name_equal(kept_options[i].module, module) &&
            strcmp(kept_options[i].option, option) == 0)
            remedy_offer_call(remedy, "set", json_pack("{s:i}", kept_options[i].member, 1),
                              REMEDY_NODE "/hardware/vfio");
}

/* The setting is in hostpci's own file, which is changed by a call. */
static bool is_kept(const struct setting *setting)
{
    return strcmp(setting->file, MODPROBE_FILE) == 0;
}

void remedy_set_option(const struct facts *facts, struct remedy *remedy, const char *module,
                       const char *option, const char *value, const char *name)
{
    const struct setting *setting = NULL;
    char now[64];
    bool set = host_settings_option(&facts->settings, module, option, now, sizeof(now), &setting);

    if (!set || is_kept(setting))
        offer_option(remedy, module, option);
    if (set && text_starts_with(setting->file, "etc/"))
        edit_option(setting, remedy, option, value);
    else
        text_printf(&remedy->lines, "echo \"options %s %s=%s\" >> /etc/modprobe.d/%s.conf\n", module, option,
                    value, name);
}

/* What hostpci keeps; NULL if that cannot be changed by a call, since somebody else changed its files. */
static json_t *read_kept(const struct facts *facts)
{
    autofree char *modprobe = NULL, *modules = NULL;
    json_t *kept = NULL;
    struct error ignored;

    if (modprobe_read_file(facts->sysroot, MODPROBE_FILE, &modprobe, &ignored) != 0 ||
        modprobe_read_file(facts->sysroot, MODULES_FILE, &modules, &ignored) != 0 ||
        modprobe_parse(modprobe, modules, &kept, &ignored) != 0)
        return NULL;
    return kept;
}

void remedy_offer_kept(const struct facts *facts, struct remedy *remedy, json_t *words)
{
    autojson json_t *kept = read_kept(facts), *lists = words;
    json_t *whole = json_object(), *added;
    const char *list;

    json_object_foreach(lists, list, added) {
        const char *now = json_text_or(kept, list, NULL);
        json_object_set_new(
            whole, list,
            json_sprintf("%s%s%s", now != NULL ? now : "", now != NULL ? "," : "", json_string_value(added)));
    }
    if (kept != NULL)
        remedy_offer_call(remedy, "set", whole, REMEDY_NODE "/hardware/vfio");
    else
        json_decref(whole);
}

/* A list of hostpci's without some of its words. */
struct rest {
    bool (*leaves)(const void *context, const char *word);
    const void *context;
    struct text words;
};

static int add_rest(void *context, const char *word)
{
    struct rest *rest = context;

    if (!rest->leaves(rest->context, word))
        text_printf(&rest->words, "%s%s", rest->words.length > 0 ? "," : "", word);
    return 0;
}

bool remedy_take_from_kept(const struct facts *facts, const struct setting *setting, struct remedy *remedy,
                           const char *list, bool (*leaves)(const void *context, const char *word),
                           const void *context)
{
    autojson json_t *kept = setting != NULL && is_kept(setting) ? read_kept(facts) : NULL;
    struct rest rest = {.leaves = leaves, .context = context};

    if (json_object_get(kept, list) == NULL)
        return false;
    modprobe_each(json_text_or(kept, list, NULL), add_rest, &rest);
    remedy_add_call(remedy, "set",
                    rest.words.length > 0 ? json_pack("{s:s}", list, text_string(&rest.words))
                                          : json_pack("{s:s}", "delete", list),
                    REMEDY_NODE "/hardware/vfio");
    text_release(&rest.words);
    return true;
}

/* Whether a file already has it loaded; then it is only not in effect yet. */
static bool is_loaded_at_boot(const struct facts *facts, const char *module)
{
    return host_settings_find(&facts->settings, SETTING_LOAD, module, 0) != NULL;
}

void remedy_load_at_boot(const struct facts *facts, struct remedy *remedy, const char *module,
                         const char *name)
{
    if (is_loaded_at_boot(facts, module))
        return;
    remedy_offer_kept(facts, remedy, json_pack("{s:s}", "modules", module));
    text_printf(&remedy->lines, "echo %s >> /etc/modules-load.d/%s.conf\n", module, name);
}

void remedy_load_early(const struct facts *facts, struct remedy *remedy, const char *module)
{
    if (!is_loaded_at_boot(facts, module))
        text_printf(&remedy->lines, "echo %s >> /etc/initramfs-tools/modules\n", module);
    remedy_refresh(remedy);
}

/* True if the call that gives the option up was added. */
static bool give_option_up(const struct setting *setting, struct remedy *remedy, const char *option)
{
    for (size_t i = 0; is_kept(setting) && i < COUNT_OF(kept_options); i++)
        if (strcmp(kept_options[i].option, option) == 0) {
            remedy_add_call(remedy, "set", json_pack("{s:s}", "delete", kept_options[i].member),
                            REMEDY_NODE "/hardware/vfio");
            return true;
        }
    return false;
}

/* Only the line that holds what was found: by the time it is typed, other lines may have come or gone. */
void remedy_rewrite_line(const struct setting *setting, struct remedy *remedy, const char *value)
{
    const char *word = setting->kind == SETTING_SOFTDEP ? "softdep" : "options";
    autofree char *line = line_pattern(setting), *new = escape_for_sed(value);

    if (setting->continued) {
        text_printf(&remedy->lines,
                    "# write instead of line %u of /%s and those that continue it:\n# %s %s %s\n",
                    setting->line, setting->file, word, setting->module, value);
        return;
    }
    append_edit(remedy, setting->file, "s/%s/%s %s %s/", line, word, setting->module, new);
}

void remedy_append_id(const struct setting *setting, struct remedy *remedy, unsigned vendor, unsigned device)
{
    autofree char *lines = option_lines(setting);

    if (setting->continued)
        text_printf(&remedy->lines,
                    "# add to ids= in line %u of /%s or those that continue it:\n# ,%04x:%04x\n",
                    setting->line, setting->file, vendor, device);
    else
        append_edit(remedy, setting->file, "/%s/s/\\sids=\\S*/&,%04x:%04x/g", lines, vendor, device);
}

void remedy_remove_option(const struct setting *setting, struct remedy *remedy, const char *option)
{
    if (!give_option_up(setting, remedy, option))
        edit_option(setting, remedy, option, NULL);
}

void remedy_remove_line(const struct setting *setting, struct remedy *remedy)
{
    autofree char *line = line_pattern(setting);

    if (setting->continued)
        text_printf(&remedy->lines, "# remove line %u of /%s and those that continue it\n", setting->line,
                    setting->file);
    else
        append_edit(remedy, setting->file, "/%s/d", line);
}

void remedy_set_driver(struct remedy *remedy, const char *id, json_t *parameters)
{
    remedy_add_call(remedy, "set", parameters, REMEDY_NODE "/hardware/pci/%s/driver", id);
}
