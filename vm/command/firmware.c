/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firmware and what it tells the guest: OVMF with its variables, SMBIOS, the generation id. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "vm/command/parts.h"
#include "vm/disk.h"
#include "vm/refusal.h"

/* Sizes in bytes of Debian's OVMF_VARS.fd and OVMF_VARS_4M.fd. */
#define VARS_2M 131072
#define VARS_4M 540672

struct firmware {
    char *code, *vars;
    bool large; /* 4m */
    char *file; /* of efidisk0; NULL: a copy that exists only while the VM runs */
    const char *format;
    bool in_store;
};

static int read_firmware(const struct vm_command *what, const json_t *values, bool q35, struct firmware *ret,
                         struct error *err)
{
    const char *type = json_text_or(values, "efitype", NULL);
    bool keys = vm_value_number(values, "pre-enrolled-keys", 0) != 0;
    const char *folder = what->paths->ovmf;

    if (json_object_size(values) != 0 &&
        vm_disk_path("efidisk0", values, what->paths->store, &ret->file, err) != 0)
        return -1;
    ret->large = ret->file != NULL ? type != NULL && strcmp(type, "4m") == 0 : what->paths->only_4m;
    ret->format = vm_disk_format(values);
    ret->in_store = vm_disk_is_in_store(values);
    if (!ret->large) {
        ret->code = xasprintf("%s/OVMF_CODE.fd", folder);
        ret->vars = xasprintf("%s/OVMF_VARS.fd", folder);
        return 0;
    }
    ret->code = xasprintf("%s/OVMF_CODE_4M%s.fd", folder, q35 ? ".secboot" : "");
    ret->vars = xasprintf("%s/OVMF_VARS_4M%s.fd", folder, keys ? ".ms" : "");
    return 0;
}

static char *copy_path(const struct vm_command *what)
{
    return xasprintf("%s/%u-ovmf.fd", what->paths->run, what->vmid);
}

static void release(struct firmware *firmware)
{
    free(firmware->code);
    free(firmware->vars);
    free(firmware->file);
}

static void add_flash_drives(struct vm_build *build, const struct firmware *firmware, const char *file)
{
    autofree char *code = vm_command_escape(firmware->code), *vars = vm_command_escape(file);
    char size[32] = "";

    if (strcmp(firmware->format, "raw") == 0)
        snprintf(size, sizeof(size), ",size=%d", firmware->large ? VARS_4M : VARS_2M);
    vm_build_add(build, VM_HEAD, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=%s", code);
    vm_build_add(build, VM_HEAD, "-drive", "if=pflash,unit=1,id=drive-efidisk0,format=%s,file=%s%s",
                 firmware->format, vars, size);
}

static void add_node(struct vm_build *build, json_t *node)
{
    autofree char *text = json_dumps(node, JSON_COMPACT);

    vm_build_add(build, VM_HEAD, "-blockdev", "%s", text);
    json_decref(node);
}

static void add_flash_nodes(struct vm_build *build, const struct firmware *firmware, const char *file,
                            bool device)
{
    const char *driver = device ? "host_device" : "file";
    json_t *vars = json_pack("{s:s, s:s, s:{s:b, s:b}, s:{s:s, s:s}}", "driver", firmware->format,
                             "node-name", "drive-efidisk0", "cache", "direct", 0, "no-flush", 0, "file",
                             "driver", driver, "filename", file);

    if (strcmp(firmware->format, "raw") == 0)
        json_object_set_new(vars, "size", json_integer(firmware->large ? VARS_4M : VARS_2M));
    add_node(build, json_pack("{s:s, s:s, s:b, s:{s:s, s:s}}", "driver", "raw", "node-name", "pflash0",
                              "read-only", 1, "file", "driver", "file", "filename", firmware->code));
    add_node(build, vars);
    vm_build_add_machine_option(build, "pflash0=pflash0");
    vm_build_add_machine_option(build, "pflash1=drive-efidisk0");
}

int vm_build_add_firmware(struct vm_build *build, struct error *err)
{
    __attribute__((cleanup(release))) struct firmware firmware = {0};
    autojson json_t *values = NULL;

    if (!build->ovmf)
        return 0;
    if (vm_value_parts(build->what->config, "efidisk0", &values, err) != 0 ||
        read_firmware(build->what, values, build->machine.q35, &firmware, err) != 0)
        return -1;
    autofree char *copy = copy_path(build->what);
    const char *path = firmware.file != NULL ? firmware.file : copy;
    const struct vm_file volume = {.kind = firmware.file != NULL ? VM_FILE_VOLUME : VM_FILE_COPY,
                                   .path = path,
                                   .from = firmware.vars,
                                   .format = firmware.format,
                                   .in_store = firmware.in_store};
    autofree char *file = NULL;
    if (vm_build_volume(build, &volume, &file, err) != 0)
        return vm_refuse_key("efidisk0", err);
    if (vm_build_machine_at_least(build, 10, 0, 0))
        add_flash_nodes(build, &firmware, file, vm_disk_is_device(path));
    else
        add_flash_drives(build, &firmware, file);
    return 0;
}

int vm_command_firmware(const struct vm_command *what, char **ret_template, char **ret_copy,
                        struct error *err)
{
    __attribute__((cleanup(release))) struct firmware firmware = {0};
    const char *machine = json_string_value(json_object_get(what->config, "machine"));
    autojson json_t *values = NULL;

    if (vm_value_parts(what->config, "efidisk0", &values, err) != 0)
        return -1;
    if (read_firmware(what, values, machine != NULL && strstr(machine, "q35") != NULL, &firmware, err) != 0)
        return -1;
    *ret_template = TAKE(firmware.vars);
    *ret_copy = firmware.file == NULL ? copy_path(what) : NULL;
    return 0;
}

static int digit_of(char letter)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;

    return found != NULL ? (int)(found - letters) : -1;
}

/* Decodes Base64 (RFC 4648) up to the padding. */
static char *decode_base64(const char *value)
{
    struct text text = {0};
    unsigned bits = 0, count = 0;

    for (; digit_of(*value) >= 0; value++) {
        bits = bits << 6 | (unsigned)digit_of(*value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            char byte = (char)(bits >> count & 0xff);
            text_append_bytes(&text, &byte, byte != '\0');
        }
    }
    return text_take(&text);
}

static const char *const smbios_keys[] = {"family", "manufacturer", "product", "serial",
                                          "sku",    "uuid",         "version"};

static int add_smbios(struct vm_build *build, struct error *err)
{
    autojson json_t *values = NULL;
    autotext struct text text = {0};

    if (vm_value_parts(build->what->config, "smbios1", &values, err) != 0)
        return -1;
    bool encoded = vm_value_number(values, "base64", 0) != 0;
    for (size_t i = 0; i < COUNT_OF(smbios_keys); i++) {
        const char *value = json_text_or(values, smbios_keys[i], NULL);
        if (value == NULL)
            continue;
        bool decode = encoded && strcmp(smbios_keys[i], "uuid") != 0;
        autofree char *plain = decode ? decode_base64(value) : xstrdup(value);
        autofree char *escaped = vm_command_escape(plain);
        text_printf(&text, ",%s=%s", smbios_keys[i], escaped);
    }
    if (text.length > 0)
        vm_build_add(build, VM_HEAD, "-smbios", "type=1%s", text_string(&text));
    return 0;
}

int vm_build_add_smbios(struct vm_build *build, struct error *err)
{
    const char *generation = vm_build_text(build, "vmgenid");

    if (add_smbios(build, err) != 0)
        return -1;
    if (generation != NULL && strlen(generation) > 1) /* 0: none */
        vm_build_add(build, VM_HEAD, "-device", "vmgenid,guid=%s", generation);
    return 0;
}
