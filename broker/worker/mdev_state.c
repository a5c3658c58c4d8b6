/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One mediated device or vGPU: brings it from its current state to the wanted one. */
#include "broker/worker/mdev_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/protocol.h"
#include "hardware/bind/attribute.h"
#include "hardware/slice/mdev_change.h"
#include "hardware/slice/mdevctl.h"
#include "hardware/slice/nvidia.h"

void mdev_state_release(struct mdev_state *state)
{
    free(state->file);
}

static bool is_vgpu(const struct mdev_target *target)
{
    return target->uuid[0] == '\0';
}

char *mdev_target_name(const struct mdev_target *target)
{
    return is_vgpu(target) ? xstrdup("the vGPU") : xasprintf("the mediated device %s", target->uuid);
}

__attribute__((format(printf, 3, 4))) static int announce(const struct mdev_target *target, struct error *err,
                                                          const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    autofree char *text = xvasprintf(format, arguments);
    va_end(arguments);
    return worker_step(target->worker, target->id, text, err);
}

static int read_vgpu(const struct mdev_target *target, struct mdev_state *ret, struct error *err)
{
    char type[NVIDIA_TYPE_SIZE];
    int result = nvidia_read_type(target->worker->sysroot, target->parent, type);

    if (result < 0)
        return attribute_fail(target->worker->sysroot, target->parent, -result, NULL, err,
                              "read the vGPU type of %s", target->id);
    *ret = (struct mdev_state){.file = NULL};
    memcpy(ret->type, type, sizeof(type));
    return 0;
}

static int read_mdev(const struct mdev_target *target, struct mdev_state *ret, struct error *err)
{
    struct mdev_place place;
    struct mdev_state state = {.file = NULL};
    int found = mdev_find(target->worker->sysroot, target->uuid, &place, err);

    if (found < 0 || mdevctl_read(target->worker->sysroot, target->id, target->uuid, &state.file, err) != 0)
        return -1;
    if (found > 0 && strcmp(place.parent, target->id) == 0)
        memcpy(state.type, place.type, sizeof(state.type));
    *ret = state;
    return 0;
}

/* The file of a parent that is gone can still be changed. */
static int check_parent(const struct mdev_target *target, struct error *err)
{
    autoclose int folder = pci_open_folder(target->worker->sysroot, target->parent);
    long long vendor, device;

    if (folder < 0 || target->ids.vendor == 0 || sysfs_read_number(folder, "vendor", &vendor) < 0 ||
        sysfs_read_number(folder, "device", &device) < 0 ||
        (vendor == target->ids.vendor && device == target->ids.device))
        return 0;
    return error_set(err, ERROR_NOT_FOUND, "another device (%04llx:%04llx) is at %s now, where %04x:%04x was",
                     vendor, device, target->id, target->ids.vendor, target->ids.device);
}

int mdev_state_read(const struct mdev_target *target, struct mdev_state *ret, struct error *err)
{
    autofree char *name = mdev_target_name(target);

    if (announce(target, err, "read the state of %s", name) != 0 || check_parent(target, err) != 0)
        return -1;
    return is_vgpu(target) ? read_vgpu(target, ret, err) : read_mdev(target, ret, err);
}

static int take_away(const struct mdev_target *target, const char *name, struct error *err)
{
    const struct sysroot *sysroot = target->worker->sysroot;

    if (announce(target, err, "remove %s", name) != 0)
        return -1;
    if ((is_vgpu(target) ? nvidia_select_type(sysroot, target->parent, "", err)
                         : mdev_remove(sysroot, target->parent, target->uuid, err)) != 0)
        return -1;
    worker_log(target->worker, "%s: %s was removed", target->id, name);
    return 0;
}

static int set_attributes(const struct mdev_target *target, const char *file, struct error *err)
{
    autojson json_t *list = file != NULL ? mdevctl_attributes(file) : json_array();
    const json_t *entry;
    size_t i;

    json_array_foreach(list, i, entry) {
        void *first = json_object_iter((json_t *)(uintptr_t)entry);
        const char *name = json_object_iter_key(first);
        const char *value = json_string_value(json_object_iter_value(first));
        if (announce(target, err, "write attribute %s of the mediated device %s", name, target->uuid) != 0 ||
            mdev_set_attribute(target->worker->sysroot, target->parent, target->uuid, name, value, err) != 0)
            return -1;
    }
    return 0;
}

/* Recorded before the device is created, so that after a crash we still know that it is ours. */
static void note_made(const struct mdev_target *target, bool made)
{
    autofree char *kind = xasprintf(FACT_MADE "%s", target->uuid);

    if (made)
        worker_save_fact(target->worker, kind, target->id, &target->ids, json_object());
    else
        worker_forget_fact(target->worker, kind, target->id);
}

static int make(const struct mdev_target *target, const char *name, const struct mdev_state *wanted,
                struct error *err)
{
    const struct sysroot *sysroot = target->worker->sysroot;

    note_made(target, true);
    if (announce(target, err, "create %s, of type %s", name, wanted->type) != 0)
        return -1;
    if ((is_vgpu(target) ? nvidia_select_type(sysroot, target->parent, wanted->type, err)
                         : mdev_create(sysroot, target->parent, wanted->type, target->uuid, err)) != 0 ||
        set_attributes(target, wanted->file, err) != 0)
        return -1;
    worker_log(target->worker, "%s: %s was created, of type %s", target->id, name, wanted->type);
    return 0;
}

static int set_file(const struct mdev_target *target, const char *text, struct error *err)
{
    if (announce(target, err, "%s its mdevctl file", text != NULL ? "write" : "delete") != 0 ||
        mdevctl_replace(target->worker->sysroot, target->id, target->uuid, text, err) != 0)
        return -1;
    worker_log(target->worker, "%s: /" ETC_MDEVCTL "/%s/%s was %s", target->id, target->id, target->uuid,
               text != NULL ? "written" : "deleted");
    return 0;
}

static bool is_same_file(const char *file, const char *other)
{
    return file == NULL || other == NULL ? file == other : strcmp(file, other) == 0;
}

/* The file is written last and deleted first, so that mdevctl never creates a device again that we have
 * removed. */
int mdev_state_reach(const struct mdev_target *target, const struct mdev_state *wanted, struct error *err)
{
    automdevstate struct mdev_state now = {.file = NULL};
    autofree char *name = mdev_target_name(target);

    if (mdev_state_read(target, &now, err) != 0)
        return -1;
    bool other_file = !is_same_file(now.file, wanted->file), other = strcmp(now.type, wanted->type) != 0;
    if ((other_file && wanted->file == NULL && set_file(target, NULL, err) != 0) ||
        (other && now.type[0] != '\0' && take_away(target, name, err) != 0) ||
        (other && wanted->type[0] != '\0' && make(target, name, wanted, err) != 0) ||
        (other_file && wanted->file != NULL && set_file(target, wanted->file, err) != 0))
        return -1;
    if (wanted->type[0] == '\0')
        note_made(target, false);
    return other || other_file ? 1 : 0;
}

/* {uuid, type, file, wanted, wanted-file}: the state before and the wanted one; null stands for no file. */
json_t *mdev_pack_change(const struct mdev_target *target, const struct mdev_state *was,
                         const struct mdev_state *wanted)
{
    return json_pack("{s:s, s:s, s:s?, s:s, s:s?}", "uuid", target->uuid, "type", was->type, "file",
                     was->file, "wanted", wanted->type, "wanted-file", wanted->file);
}

static void parse_state(const json_t *change, const char *type, const char *file, struct mdev_state *ret)
{
    const char *text = json_text_or(change, file, NULL);

    snprintf(ret->type, sizeof(ret->type), "%s", json_text(change, type));
    ret->file = text != NULL ? xstrdup(text) : NULL;
}

static void describe(const char *prefix, const char *name, const struct mdev_state *state, struct text *where)
{
    text_printf(where, "%s with%s %s%s%s", prefix, state->type[0] != '\0' ? "" : "out", name,
                state->type[0] != '\0' ? " of type " : "", state->type);
}

/* One that was created may have been interrupted before it had its attributes. */
static int go_forward(const struct mdev_target *target, const struct mdev_state *was,
                      const struct mdev_state *wanted, struct error *err)
{
    int changed = mdev_state_reach(target, wanted, err);

    if (changed < 0)
        return -1;
    return strcmp(was->type, wanted->type) != 0 && wanted->type[0] != '\0'
               ? set_attributes(target, wanted->file, err)
               : 0;
}

int mdev_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    const json_t *change = json_object_get(claim, MDEV_CLAIM);
    struct mdev_target target = {.worker = worker};
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};
    struct error back, forward = {.message = ""};

    snprintf(target.id, sizeof(target.id), "%s", json_text(claim, "id"));
    snprintf(target.uuid, sizeof(target.uuid), "%s", json_text(change, "uuid"));
    target.ids.vendor = (uint16_t)json_integer_value(json_object_get(claim, "vendor"));
    target.ids.device = (uint16_t)json_integer_value(json_object_get(claim, "device"));
    pci_address_parse(target.id, &target.parent);
    parse_state(change, "type", "file", &was);
    parse_state(change, "wanted", "wanted-file", &wanted);
    autofree char *name = mdev_target_name(&target);
    if (mdev_state_reach(&target, &was, &back) >= 0) {
        worker_release(worker, target.id);
        describe("is back", name, &was, where);
        return 0;
    }
    worker_log(worker, "%s: %s cannot be restored: %s", target.id, name, back.message);
    if (back.kind != ERROR_NOT_FOUND && go_forward(&target, &was, &wanted, &forward) == 0) {
        worker_release(worker, target.id);
        describe("could not be restored and was left as requested,", name, &wanted, where);
        return 0;
    }
    if (back.kind == ERROR_NOT_FOUND || forward.kind == ERROR_NOT_FOUND) {
        worker_release(worker, target.id);
        text_append(where, "is gone");
        return 0;
    }
    worker_log(worker, "%s: nor can %s reach the requested state: %s", target.id, name, forward.message);
    text_printf(where, "is left half-way (%s)", back.message);
    return -1;
}
