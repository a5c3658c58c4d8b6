/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a VM's configuration to QEMU's arguments: the parts in their order, and what they share. */
#include "vm/command/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/shell.h"
#include "base/text.h"
#include "schema/format.h"
#include "schema/property_string.h"
#include "schema/validate.h"
#include "vm/command/parts.h"
#include "vm/rules.h"

const char *vm_text(const struct vm_build *build, const char *key)
{
    return json_text_or(build->what->config, key, NULL);
}

long long vm_number(const struct vm_build *build, const char *key, long long fallback)
{
    return vm_value_number(build->what->config, key, fallback);
}

struct vm_name vm_indexed(const char *stem, unsigned index)
{
    struct vm_name name;

    snprintf(name.text, sizeof(name.text), "%s%u", stem, index);
    return name;
}

static void add_word(struct vm_words *words, char *word)
{
    words->list = xrealloc(words->list, words->count + 2, sizeof(*words->list));
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
}

void vm_add(struct vm_build *build, enum vm_section section, const char *option, const char *format, ...)
{
    va_list args;

    if (option != NULL)
        add_word(&build->sections[section], xstrdup(option));
    if (format == NULL)
        return;
    va_start(args, format);
    add_word(&build->sections[section], xvasprintf(format, args));
    va_end(args);
}

void vm_add_machine_option(struct vm_build *build, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_word(&build->machine_options, xvasprintf(format, args));
    va_end(args);
}

struct vm_place vm_place(struct vm_build *build, const char *id)
{
    struct vm_address address = vm_address_find(id, build->machine.q35);
    struct vm_place place;

    build->bridges[vm_address_bridge(address.bus)] = true;
    snprintf(place.text, sizeof(place.text), ",bus=%s,addr=0x%x", address.bus, address.slot);
    return place;
}

struct vm_name vm_bootindex(const struct vm_build *build, const char *device)
{
    const json_t *index = json_object_get(build->boot, device);
    struct vm_name name = {""};

    if (index != NULL)
        snprintf(name.text, sizeof(name.text), ",bootindex=%d", (int)json_integer_value(index));
    return name;
}

char *vm_escape(const char *value)
{
    struct text text = {0};

    for (; *value != '\0'; value++)
        text_append_bytes(&text, *value == ',' ? ",," : value, *value == ',' ? 2 : 1);
    return text_take(&text);
}

struct vm_version vm_build_version(const struct vm_build *build)
{
    return vm_features_version(build->what->qemu);
}

/* Checked again, whoever checked it before: a value that is not what its key says never becomes an argument.
 * And what is kept of a configuration from elsewhere may have no part here: a VM without it would not be the
 * same one. */
static int check_value(const char *name, json_t *value, struct error *err)
{
    const struct schema *key = vm_key_find(name, NULL);
    json_t *copy = json_deep_copy(value);

    if (key == NULL) { /* meta and the like: nothing is made of them */
        json_decref(copy);
        return 0;
    }
    int status = validate_value(key, &copy, err);
    json_decref(copy);
    if (status != 0)
        return error_prefix(err, "%s: ", name);
    if (vm_key_about(key)->effect == VM_EFFECT_NEVER)
        return error_set_field(err, name, "%s is kept, but a VM cannot be started with it here", name);
    return 0;
}

static int check_values(struct vm_build *build, struct error *err)
{
    const char *name, *arch = vm_text(build, "arch");
    json_t *value;

    json_object_foreach((json_t *)build->what->config, name, value)
        if (check_value(name, value, err) != 0)
            return -1;
    if (vm_rules_check(build->what->config, err) != 0)
        return -1;
    if (arch != NULL && strcmp(arch, "x86_64") != 0)
        return error_set_field(err, "arch", "a VM with arch '%s' cannot be started here: only x86_64", arch);
    return 0;
}

static const struct guest {
    const char *name;
    unsigned windows;
} guests[] = {{"wxp", 5},  {"w2k", 5},  {"w2k3", 5},   {"w2k8", 6},  {"wvista", 6},
              {"win7", 7}, {"win8", 8}, {"win10", 10}, {"win11", 11}};

static void read_system(struct vm_build *build)
{
    const char *guest = vm_text(build, "ostype"), *bios = vm_text(build, "bios");

    for (size_t i = 0; guest != NULL && i < COUNT_OF(guests); i++)
        if (strcmp(guest, guests[i].name) == 0)
            build->windows = guests[i].windows;
    build->linux26 = guest != NULL && strcmp(guest, "l26") == 0;
    build->ovmf = bios != NULL && strcmp(bios, "ovmf") == 0;
    build->kvm = vm_number(build, "kvm", 1) != 0;
    build->acpi = vm_number(build, "acpi", 1) != 0;
}

/* QEMU's monitor, its pid, its name. */
static void add_head(struct vm_build *build)
{
    const struct vm_command *what = build->what;
    const char *name = vm_text(build, "name"), *affinity = vm_text(build, "affinity");
    autofree char *run = vm_escape(what->paths->run);

    if (affinity != NULL) {
        vm_add(build, VM_HEAD, "taskset", "--cpu-list");
        vm_add(build, VM_HEAD, "--all-tasks", "%s", affinity);
    }
    vm_add(build, VM_HEAD, what->paths->qemu, NULL);
    if (name != NULL)
        vm_add(build, VM_HEAD, "-name", "%s,debug-threads=on", name);
    else
        vm_add(build, VM_HEAD, "-name", "vm%u,debug-threads=on", what->vmid);
    vm_add(build, VM_HEAD, "-nodefaults", NULL);
    vm_add(build, VM_HEAD, "-no-shutdown", NULL);
    vm_add(build, VM_HEAD, "-boot", "menu=on,strict=on,reboot-timeout=1000");
    vm_add(build, VM_HEAD, "-chardev", "socket,id=qmp,path=%s/%u.qmp,server=on,wait=off", run, what->vmid);
    vm_add(build, VM_HEAD, "-mon", "chardev=qmp,mode=control");
    vm_add(build, VM_HEAD, "-pidfile", "%s/%u.pid", what->paths->run, what->vmid);
}

/* Every driver that is asked for must be one that this QEMU has. */
static int check_drivers(const struct vm_build *build, const struct vm_words *words, struct error *err)
{
    struct vm_version version = vm_build_version(build);

    for (size_t i = 0; i + 1 < words->count; i++) {
        if (strcmp(words->list[i], "-device") != 0)
            continue;
        autofree char *driver = xstrndup(words->list[i + 1], strcspn(words->list[i + 1], ","));
        if (!vm_features_has_device(build->what->qemu, driver))
            return error_set(err, ERROR_INVALID, "QEMU %u.%u.%u has no device '%s', which is needed for '%s'",
                             version.major, version.minor, version.micro, driver, words->list[i + 1]);
    }
    return 0;
}

/* In this order, as later ones use what earlier ones read; the machine's options come from all of them. */
static int (*const parts[])(struct vm_build *, struct error *) = {
    check_values,    vm_machine_read, vm_boot_read,  vm_hostpci_read, vm_add_smbios,
    vm_add_firmware, vm_add_cpu,      vm_add_memory, vm_add_display,  vm_add_usb,
    vm_add_channels, vm_add_drives,   vm_add_nets,   vm_add_machine,  vm_add_hostpci};

static int build_parts(struct vm_build *build, struct error *err)
{
    read_system(build);
    add_head(build);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i](build, err) != 0)
            return -1;
    vm_add_buses(build);
    for (size_t i = 0; i < VM_SECTIONS; i++)
        if (check_drivers(build, &build->sections[i], err) != 0)
            return -1;
    return vm_add_arguments(build, err);
}

static char **join_sections(struct vm_build *build)
{
    size_t count = 0, at = 0;

    for (size_t i = 0; i < VM_SECTIONS; i++)
        count += build->sections[i].count;
    char **all = xcalloc(count + 1, sizeof(*all));
    for (size_t i = 0; i < VM_SECTIONS; i++)
        for (size_t j = 0; j < build->sections[i].count; j++)
            all[at++] = TAKE(build->sections[i].list[j]);
    return all;
}

static void release(struct vm_build *build)
{
    for (size_t i = 0; i < VM_SECTIONS; i++)
        if (build->sections[i].list != NULL) { /* its words may have been taken */
            for (size_t j = 0; j < build->sections[i].count; j++)
                free(build->sections[i].list[j]);
            free(build->sections[i].list);
        }
    format_free_list(&build->machine_options.list);
    for (size_t i = 0; i < VM_HOSTPCI; i++)
        vm_hostpci_release(&build->hostpci[i]);
    free(build->machine.type);
    json_decref(build->machine_values);
    json_decref(build->boot);
}

int vm_command_build(const struct vm_command *what, char ***ret, struct error *err)
{
    struct vm_build build = {.what = what};
    int status = build_parts(&build, err);

    if (status == 0)
        *ret = join_sections(&build);
    release(&build);
    return status;
}

char *vm_command_quote(char *const *arguments)
{
    struct text text = {0};

    for (char *const *word = arguments; *word != NULL; word++) {
        text_append(&text, word != arguments ? " " : "");
        shell_quote(&text, *word);
    }
    return text_take(&text);
}
