/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a VM's configuration to QEMU's arguments: the parts in their order, and what they have in common. */
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
#include "vm/refusal.h"
#include "vm/rules.h"

const char *vm_build_text(const struct vm_build *build, const char *key)
{
    return json_text_or(build->what->config, key, NULL);
}

long long vm_build_number(const struct vm_build *build, const char *key, long long fallback)
{
    return vm_value_number(build->what->config, key, fallback);
}

static void append(struct vm_arguments *arguments, char *argument)
{
    arguments->list = xrealloc(arguments->list, arguments->count + 2, sizeof(*arguments->list));
    arguments->list[arguments->count++] = argument;
    arguments->list[arguments->count] = NULL;
}

void vm_build_add(struct vm_build *build, enum vm_section section, const char *option, const char *format,
                  ...)
{
    va_list args;

    if (option != NULL)
        append(&build->sections[section], xstrdup(option));
    if (format == NULL)
        return;
    va_start(args, format);
    append(&build->sections[section], xvasprintf(format, args));
    va_end(args);
}

void vm_build_add_machine_option(struct vm_build *build, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append(&build->machine_options, xvasprintf(format, args));
    va_end(args);
}

struct vm_part vm_build_address(struct vm_build *build, const char *id)
{
    struct vm_address address = vm_address_find(id, build->machine.q35);
    struct vm_part part;

    build->bridges[vm_address_bridge(address.bus)] = true;
    snprintf(part.text, sizeof(part.text), ",bus=%s,addr=0x%x", address.bus, address.slot);
    return part;
}

struct vm_part vm_build_bootindex(const struct vm_build *build, const char *device)
{
    const json_t *index = json_object_get(build->boot, device);
    struct vm_part part = {""};

    if (index != NULL)
        snprintf(part.text, sizeof(part.text), ",bootindex=%d", (int)json_integer_value(index));
    return part;
}

int vm_build_volume(const struct vm_build *build, const struct vm_file *volume, char **ret, struct error *err)
{
    if (build->what->hand != NULL)
        return build->what->hand(build->what->hand_context, volume, ret, err);
    *ret = xstrdup(volume->path);
    return 0;
}

static char *name_socket(const struct vm_build *build, const char *name)
{
    return xasprintf("%s/%u.%s", build->what->paths->run, build->what->vmid, name);
}

/* `path` is the socket's, of a QEMU that is handed nothing. */
static int hand_socket(const struct vm_build *build, const struct vm_file *file, const char *path, char **ret,
                       struct error *err)
{
    if (build->what->hand != NULL)
        return build->what->hand(build->what->hand_context, file, ret, err);
    autofree char *escaped = vm_command_escape(path);
    *ret = xasprintf("path=%s", escaped);
    return 0;
}

int vm_build_socket(const struct vm_build *build, const char *name, char **ret, struct error *err)
{
    autofree char *path = name_socket(build, name);
    const struct vm_file file = {.kind = VM_FILE_SOCKET, .path = path};

    return hand_socket(build, &file, path, ret, err);
}

int vm_build_tpm(const struct vm_build *build, const struct vm_file *file, char **ret, struct error *err)
{
    autofree char *path = name_socket(build, "swtpm");

    return hand_socket(build, file, path, ret, err);
}

char *vm_command_escape(const char *value)
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

/* Every value is checked again, even if it was checked when it was stored: one that its schema does not allow
 * never becomes an argument. A key that is only stored prevents the start, since without it the VM would be a
 * different one. */
static int check_values(struct vm_build *build, struct error *err)
{
    const char *name, *arch = vm_build_text(build, "arch");
    json_t *value;

    json_object_foreach((json_t *)build->what->config, name, value) {
        const struct schema *key = vm_key_find(name, NULL);
        if (key == NULL) /* meta, which has no argument */
            continue;
        autojson json_t *copy = json_deep_copy(value);
        if (validate_value(key, name, &copy, err) != 0)
            return vm_refuse_key(name, err);
        if (vm_key_about(key)->effect == VM_EFFECT_NEVER)
            return error_set_field(err, name, "%s is only stored: a VM that has it cannot be started here",
                                   name);
    }
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
    const char *guest = vm_build_text(build, "ostype"), *bios = vm_build_text(build, "bios");

    for (size_t i = 0; guest != NULL && i < COUNT_OF(guests); i++)
        if (strcmp(guest, guests[i].name) == 0)
            build->windows = guests[i].windows;
    build->linux26 = guest != NULL && strcmp(guest, "l26") == 0;
    build->ovmf = bios != NULL && strcmp(bios, "ovmf") == 0;
    build->kvm = vm_build_number(build, "kvm", 1) != 0;
    build->acpi = vm_build_number(build, "acpi", 1) != 0;
}

/* The program, its name, its monitor and its pid file. */
static int add_head(struct vm_build *build, struct error *err)
{
    const struct vm_command *what = build->what;
    const char *name = vm_build_text(build, "name"), *affinity = vm_build_text(build, "affinity");
    autofree char *monitor = NULL;

    if (vm_build_socket(build, "qmp", &monitor, err) != 0)
        return -1;
    if (affinity != NULL) {
        vm_build_add(build, VM_HEAD, "taskset", "--cpu-list");
        vm_build_add(build, VM_HEAD, "--all-tasks", "%s", affinity);
    }
    vm_build_add(build, VM_HEAD, what->paths->qemu, NULL);
    if (name != NULL)
        vm_build_add(build, VM_HEAD, "-name", "%s,debug-threads=on", name);
    else
        vm_build_add(build, VM_HEAD, "-name", "vm%u,debug-threads=on", what->vmid);
    vm_build_add(build, VM_HEAD, "-nodefaults", NULL);
    vm_build_add(build, VM_HEAD, "-no-shutdown", NULL);
    vm_build_add(build, VM_HEAD, "-boot", "menu=on,strict=on,reboot-timeout=1000");
    vm_build_add(build, VM_HEAD, "-chardev", "socket,id=qmp,%s,server=on,wait=off", monitor);
    vm_build_add(build, VM_HEAD, "-mon", "chardev=qmp,mode=control");
    if (what->hand == NULL) /* otherwise its parent knows the pid */
        vm_build_add(build, VM_HEAD, "-pidfile", "%s/%u.pid", what->paths->run, what->vmid);
    return 0;
}

/* The order matters: parts that read come first, and the machine's options are collected from all others. */
static int (*const parts[])(struct vm_build *, struct error *) = {
    check_values,         vm_build_read_machine, vm_build_read_boot,    vm_build_read_hostpci,
    vm_build_add_smbios,  vm_build_add_firmware, vm_build_add_cpu,      vm_build_add_memory,
    vm_build_add_display, vm_build_add_usb,      vm_build_add_channels, vm_build_add_tpm,
    vm_build_add_disks,   vm_build_add_nets,     vm_build_add_machine,  vm_build_add_hostpci};

/* Displays that QEMU loads as modules, and the packages that contain them since Debian 13. */
static const struct {
    const char *driver, *package;
    enum vm_refusal reason;
} modules[] = {
    {"qxl", VM_PACKAGE_SPICE, VM_NEEDS_SPICE_MODULES},
    {"qxl-vga", VM_PACKAGE_SPICE, VM_NEEDS_SPICE_MODULES},
    {"virtio-vga-gl", VM_PACKAGE_OPENGL, VM_NEEDS_OPENGL_MODULES},
};

/* The key that a device is for: its id, which may have the number of a function behind it. */
static struct vm_key_name key_of(const char *device)
{
    const char *id = strstr(device, ",id=");
    const char *text = id != NULL ? id + strlen(",id=") : "";
    struct vm_key_name key;

    snprintf(key.text, sizeof(key.text), "%.*s", (int)strcspn(text, ",."), text);
    return key;
}

static int refuse_device(const struct vm_build *build, const char *driver, const char *value,
                         struct error *err)
{
    struct vm_version version = vm_build_version(build);

    for (size_t i = 0; i < COUNT_OF(modules); i++)
        if (strcmp(driver, modules[i].driver) == 0)
            return error_set_field_reason(
                err, "vga", (int)modules[i].reason,
                "QEMU %u.%u.%u has no device '%s', which is needed for '%s': install the package %s",
                version.major, version.minor, version.micro, driver, value, modules[i].package);
    return error_set_field(err, key_of(value).text,
                           "QEMU %u.%u.%u has no device '%s', which is needed for '%s'", version.major,
                           version.minor, version.micro, driver, value);
}

/* Each device must be one that this QEMU has. */
static int check_devices(const struct vm_build *build, const struct vm_arguments *arguments,
                         struct error *err)
{
    for (size_t i = 0; i + 1 < arguments->count; i++) {
        const char *value = arguments->list[i + 1];
        if (strcmp(arguments->list[i], "-device") != 0)
            continue;
        autofree char *driver = xstrndup(value, strcspn(value, ","));
        if (!vm_features_has_device(build->what->qemu, driver))
            return refuse_device(build, driver, value, err);
    }
    return 0;
}

static int add_parts(struct vm_build *build, struct error *err)
{
    read_system(build);
    if (add_head(build, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i](build, err) != 0)
            return -1;
    vm_build_add_buses(build);
    for (size_t i = 0; i < VM_SECTIONS; i++)
        if (check_devices(build, &build->sections[i], err) != 0)
            return -1;
    return vm_build_add_arguments(build, err); /* the user's own, which are not checked */
}

static void release(struct vm_build *build)
{
    for (size_t i = 0; i < VM_SECTIONS; i++)
        format_free_list(&build->sections[i].list);
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
    struct vm_arguments all = {0};
    int status = add_parts(&build, err);

    for (size_t i = 0; status == 0 && i < VM_SECTIONS; i++)
        for (size_t j = 0; j < build.sections[i].count; j++)
            append(&all, xstrdup(build.sections[i].list[j]));
    release(&build);
    if (status == 0)
        *ret = all.list;
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
