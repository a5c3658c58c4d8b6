/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-server/100.conf: a VM's configuration. vm/config/config.h reads it. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "client/transfer/formats.h"
#include "vm/config/config.h"

#define VM_LIST "/nodes/localhost/qemu"

/* "100" of "qemu-server/100.conf"; NULL if that is no VMID. The caller frees. */
static char *vmid_of(const char *name)
{
    const char *slash = strrchr(name, '/'), *begin = slash != NULL ? slash + 1 : name;
    autofree char *vmid = xstrndup(begin, strcspn(begin, "."));
    unsigned long long number;

    return text_to_number(vmid, 10, VM_ID_MAX, &number) && number >= VM_ID_MIN ? TAKE(vmid) : NULL;
}

/* Each line of `warnings` names its own line of the file. */
static void take_warnings(struct intake_source *source, char *warnings)
{
    for (char *line = strsep(&warnings, "\n"); line != NULL; line = strsep(&warnings, "\n"))
        if (line[0] != '\0')
            intake_leave_out(source, "%s", line);
}

/* Whether the VM had it; then it is not in the view any more. */
static bool take_key(json_t *view, const char *key)
{
    const json_t *value = json_object_get(view, key);
    bool set = json_is_string(value) || json_integer_value(value) != 0;

    json_object_del(view, key);
    return set;
}

/* A protected VM cannot be removed, so its protection is a step of its own, which is undone first. */
static void add_protection(struct intake_source *source, const char *vmid)
{
    autofree char *path = xasprintf(VM_LIST "/%s/config", vmid);
    struct intake_step step = {.stage = INTAKE_VMS,
                               .what = xasprintf("protection of VM %s", vmid),
                               .make = intake_call(METHOD_PUT, path, json_pack("{s:s}", "protection", "1")),
                               .undo =
                                   intake_call(METHOD_PUT, path, json_pack("{s:s}", "delete", "protection"))};

    intake_add(source, &step);
}

static void add_vm(struct intake_source *source, const char *vmid, json_t *view)
{
    const char *name = json_string_value(json_object_get(view, "name"));
    autofree char *path = xasprintf(VM_LIST "/%s", vmid);
    bool protected = take_key(view, "protection");

    if (take_key(view, "lock"))
        intake_leave_out(source, "lock: what held it does not run here");
    struct intake_step step = {.stage = INTAKE_VMS,
                               .list = INTAKE_RESOURCES,
                               .name = vmid,
                               .what = xasprintf("VM %s%s%s%s", vmid, name != NULL ? " (" : "",
                                                 name != NULL ? name : "", name != NULL ? ")" : ""),
                               .undo = intake_call(METHOD_DELETE, path, NULL)};
    json_object_set_new(view, "vmid", json_string(vmid));
    if (json_object_get(view, "vmgenid") == NULL)
        json_object_set_new(view, "vmgenid", json_string("0")); /* the guest had none: it gets no new one */
    step.make = intake_call(METHOD_POST, VM_LIST, json_incref(view));
    if (intake_add(source, &step) && protected)
        add_protection(source, vmid);
}

void vm_file_read(struct intake_source *source)
{
    autofree char *vmid = vmid_of(source->name);
    const json_t *volumes = json_object_get(source->intake->known, INTAKE_VOLUMES);
    autojson json_t *document = NULL, *none = json_object();
    autotext struct text warnings = {0};
    struct error err;

    if (vmid == NULL) {
        intake_leave_out(source, "the file's name is not VMID.conf, as 100.conf");
        return;
    }
    if (vm_config_read(source->text, source->length, volumes != NULL ? volumes : none, &document, &warnings,
                       &err) != 0) {
        intake_leave_out(source, "%s", err.message);
        return;
    }
    autofree char *lines = text_take(&warnings);
    take_warnings(source, lines);
    autojson json_t *view = vm_config_view(document, false);
    add_vm(source, vmid, view);
}

void vm_file_read_elsewhere(struct intake_source *source)
{
    autofree char *vmid = vmid_of(source->name);

    if (vmid == NULL || !intake_knows(source->intake, INTAKE_RESOURCES, vmid))
        intake_leave_out(source, "it is a VM of another node: import it there");
}

/* The server hides a secret behind asterisks. */
static bool is_hidden(const json_t *value)
{
    const char *string = json_string_value(value);

    return string != NULL && string[0] == '*' && string[strspn(string, "*")] == '\0';
}

char *vm_file_print(const json_t *pending)
{
    autojson json_t *document = json_pack("{s:{}, s:{}, s:{}}", "config", "pending", "delete");
    static const char *const parts[][2] = {{"value", "config"}, {"pending", "pending"}, {"delete", "delete"}};
    const json_t *row;
    size_t i;

    json_array_foreach(pending, i, row) {
        const char *key = json_text(row, "key");
        for (size_t j = 0; j < COUNT_OF(parts); j++) {
            json_t *value = json_object_get(row, parts[j][0]);
            if (strcmp(key, "digest") != 0 && (json_is_string(value) || json_is_integer(value)) &&
                !is_hidden(value))
                json_object_set(json_object_get(document, parts[j][1]), key, value);
        }
    }
    return vm_config_print(document);
}
