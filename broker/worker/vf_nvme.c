/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual functions of an NVMe drive. */
#include "broker/worker/vf_nvme.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/operations.h"
#include "hardware/slice/nvme.h"

/* One drive, and what its functions have and are to have. */
struct drive {
    struct worker *worker;
    char id[PCI_ADDRESS_SIZE];
    char node[NVME_NODE_SIZE];
    unsigned count;
    struct nvme_share *now, *wanted;
};

static void release(struct drive *drive)
{
    free(drive->now);
    free(drive->wanted);
}
#define autodrive __attribute__((cleanup(release)))

/* 1: it is divided among `count` functions; 0: it does not share anything. */
static int open_drive(struct worker *worker, struct pci_address physical, unsigned count, struct drive *ret,
                      struct error *err)
{
    ret->worker = worker;
    ret->count = count;
    ret->now = xcalloc(count + 1, sizeof(*ret->now));
    ret->wanted = xcalloc(count + 1, sizeof(*ret->wanted));
    pci_address_format(physical, ret->id);
    if (worker_step(worker, ret->id, "read what the drive has for secondary controllers", err) != 0 ||
        nvme_find(worker->sysroot, physical, ret->node, err) != 0)
        return -1;
    return nvme_read_shares(worker->sysroot, ret->node, count, ret->now, err);
}

/* NULL of a drive that does not share both, or shares none with this function. */
static json_t *pack_share(const struct nvme_share *share)
{
    if (share->queues == 0 || share->interrupts == 0)
        return NULL;
    return json_pack("{s:i, s:i}", "queues", (int)share->queues, "interrupts", (int)share->interrupts);
}

int vf_nvme_read(struct worker *worker, struct pci_address physical, unsigned count, json_t **ret,
                 struct error *err)
{
    autodrive struct drive drive = {.worker = NULL};
    autojson json_t *all = json_object();
    int found = open_drive(worker, physical, count, &drive, err);

    if (found < 0)
        return -1;
    for (unsigned i = 0; found > 0 && i < count && i < VF_SETTINGS_LIMIT; i++) {
        json_t *share = pack_share(&drive.now[i]);
        char name[16];
        if (share == NULL)
            continue;
        snprintf(name, sizeof(name), "%u", i);
        json_object_set_new(all, name, share);
    }
    *ret = TAKE(all);
    return 0;
}

int vf_nvme_describe(const struct sysroot *sysroot, struct pci_address physical, unsigned count, json_t **ret,
                     struct error *err)
{
    autofree struct nvme_share *now = xcalloc(count + 1, sizeof(*now));
    autojson json_t *list = json_array();
    char node[NVME_NODE_SIZE];

    if (nvme_find(sysroot, physical, node, err) != 0)
        return -1;
    int found = nvme_read_shares(sysroot, node, count, now, err);
    if (found < 0)
        return -1;
    for (unsigned i = 0; found > 0 && i < count; i++)
        json_array_append_new(
            list, json_pack("{s:i, s:o*}", "online", (int)now[i].online, "settings", pack_share(&now[i])));
    *ret = TAKE(list);
    return 0;
}

int vf_nvme_check(const char *id, const json_t *settings, const json_t *now, struct error *err)
{
    const char *vf, *key;
    json_t *own, *value;

    json_object_foreach((json_t *)(uintptr_t)settings, vf, own)
        json_object_foreach(own, key, value) {
            const json_t *is = json_object_get(json_object_get(now, vf), key);
            if (!json_equal(is, value))
                return error_set(
                    err, ERROR_CONFLICT,
                    "vf%s: %s is %lld, and is changed only when the virtual functions of %s are made: "
                    "set numvfs=0 first",
                    vf, key, json_integer_value(is), id);
        }
    return 0;
}

/* Whether there are settings of it, which are put in `ret`. */
static bool read_settings(const json_t *settings, unsigned vf, struct nvme_share *ret)
{
    char name[16];

    snprintf(name, sizeof(name), "%u", vf);
    const json_t *own = json_object_get(settings, name);
    const json_t *queues = json_object_get(own, "queues"), *interrupts = json_object_get(own, "interrupts");
    if (queues != NULL)
        ret->queues = (unsigned)json_integer_value(queues);
    if (interrupts != NULL)
        ret->interrupts = (unsigned)json_integer_value(interrupts);
    return queues != NULL || interrupts != NULL;
}

int vf_nvme_check_count(struct worker *worker, struct pci_address physical, unsigned count,
                        const json_t *settings, struct error *err)
{
    autodrive struct drive drive = {.worker = NULL};

    if (count == 0)
        return 0;
    int found = open_drive(worker, physical, count, &drive, err);
    if (found <= 0)
        return found;
    for (unsigned i = 0; i < count; i++)
        read_settings(settings, i, &drive.wanted[i]);
    return nvme_divide(worker->sysroot, drive.node, count, drive.wanted, err) < 0 ? -1 : 0;
}

static int set_online(const struct drive *drive, unsigned vf, struct error *err)
{
    autofree char *step = xasprintf("set the controller of virtual function %u online", vf);

    if (worker_step(drive->worker, drive->id, step, err) != 0 ||
        nvme_set_online(drive->worker->sysroot, drive->node, vf, drive->wanted[vf], err) != 0)
        return -1;
    return 0;
}

/* "2 queues and 1 interrupts each", or of each its own. */
static void log_shares(const struct drive *drive)
{
    autotext struct text shares = {0};

    for (unsigned i = 0; i < drive->count; i++) {
        const struct nvme_share *share = &drive->wanted[i], *before = i > 0 ? share - 1 : NULL;
        if (before == NULL || before->queues != share->queues || before->interrupts != share->interrupts)
            text_printf(&shares, "%s%u queues and %u interrupts from virtual function %u on",
                        i > 0 ? ", " : "", share->queues, share->interrupts, i);
    }
    worker_log(drive->worker, "%s: its virtual functions are online, with %s (/dev/%s)", drive->id,
               shares.data, drive->node);
}

int vf_nvme_apply(struct worker *worker, struct pci_address physical, unsigned count, bool made,
                  const json_t *settings, struct error *err)
{
    autodrive struct drive drive = {.worker = NULL};
    bool changed = false;

    if (count == 0 || (!made && json_object_size(settings) == 0))
        return 0;
    int found = open_drive(worker, physical, count, &drive, err);
    if (found <= 0)
        return found;
    for (unsigned i = 0; i < count; i++)
        if (!read_settings(settings, i, &drive.wanted[i]) && !made)
            drive.wanted[i] = drive.now[i];
    int divided = nvme_divide(worker->sysroot, drive.node, count, drive.wanted, err);
    if (divided <= 0)
        return divided;
    for (unsigned i = 0; i < count; i++) {
        const struct nvme_share *now = &drive.now[i], *wanted = &drive.wanted[i];
        if (!made && now->online && now->queues == wanted->queues && now->interrupts == wanted->interrupts)
            continue;
        if (set_online(&drive, i, err) != 0)
            return -1;
        changed = true;
    }
    if (changed)
        log_shares(&drive);
    return changed ? 1 : 0;
}
