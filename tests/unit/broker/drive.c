/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A played NVMe drive. */
#include "tests/unit/broker/drive.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/hosts/kernel.h"

#define FUNCTIONS 2

static const char *drive;
static char store[160];

static void load(struct nvme_share shares[static FUNCTIONS])
{
    const size_t size = FUNCTIONS * sizeof(*shares);
    autofree char *text = NULL;
    struct error ignored;
    size_t length;

    memset(shares, 0, size);
    if (kernel_vfs(drive) == 0)
        unlink(store);
    else if (file_read(store, size, &text, &length, &ignored) == 0 && length == size)
        memcpy(shares, text, size);
}

static int save(const struct nvme_share shares[static FUNCTIONS])
{
    struct error ignored;

    return file_replace(store, shares, FUNCTIONS * sizeof(*shares), 0600, &ignored) == 0 ? 0 : -EIO;
}

static void fill_page(const struct nvme_admin_cmd *command, const struct nvme_share shares[static FUNCTIONS])
{
    unsigned char *page = (unsigned char *)(uintptr_t)command->addr;

    if (command->cdw10 == 0x14) {
        page[32] = 7, page[64] = 3;
        return;
    }
    page[0] = FUNCTIONS;
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        unsigned char *row = page + 32 + 32 * (size_t)i;
        row[0] = row[8] = (unsigned char)(i + 1);
        row[4] = shares[i].online;
        row[10] = (unsigned char)shares[i].queues, row[12] = (unsigned char)shares[i].interrupts;
    }
}

static int play(const char *node, struct nvme_admin_cmd *command)
{
    struct nvme_share shares[FUNCTIONS];
    unsigned action = command->cdw10 & 0xff, resource = command->cdw10 >> 8 & 0xff;

    cr_assert_str_eq(node, "nvme0");
    load(shares);
    if (command->opcode == 6) {
        fill_page(command, shares);
        return 0;
    }
    struct nvme_share *share = &shares[((command->cdw10 >> 16) - 1) % FUNCTIONS];
    if (kernel_autoprobe(drive))
        return 1;
    if (action != 8)
        share->online = action == 9;
    else if (resource == 0)
        share->queues = command->cdw11;
    else
        share->interrupts = command->cdw11;
    return save(shares);
}

bool drive_play(const struct testbed *testbed, const char *id)
{
    autofree char *file = xasprintf("sys/bus/pci/devices/%s/nvme/nvme0/cntlid", id);
    autofree char *path = xasprintf("%s/drive", testbed->tree.path);

    if (nvme_door == play && strcmp(store, path) == 0)
        return false;
    drive = id;
    snprintf(store, sizeof(store), "%s", path);
    tree_write(&testbed->tree, file, "0\n");
    nvme_door = play;
    return true;
}

struct nvme_share drive_share(unsigned index)
{
    struct nvme_share shares[FUNCTIONS];

    load(shares);
    return shares[index];
}

void drive_put_share(unsigned index, struct nvme_share share)
{
    struct nvme_share shares[FUNCTIONS];

    load(shares);
    shares[index] = share;
    cr_assert_eq(save(shares), 0);
}
