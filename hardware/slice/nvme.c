/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual functions of an NVMe drive. */
#include "hardware/slice/nvme.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define TIMEOUT_MS     10000
#define LOOKS          100 /* until it is in use again */
#define LOOK_NS        100000000L
#define ADMIN_QUEUES   2 /* the fewest that work: one for commands to the controller, one for data */
#define PAGE           4096
#define MOST_SECONDARY 127 /* in a list */

enum opcode { IDENTIFY = 0x06, VIRTUALIZATION_MANAGEMENT = 0x1c };
enum identify { PRIMARY_CAPABILITIES = 0x14, SECONDARY_LIST = 0x15 };
enum resource { QUEUES, INTERRUPTS };
enum action { OFFLINE = 7, ASSIGN = 8, ONLINE = 9 };

/* Little endian, as all that the drive says. */
struct pool {
    uint32_t total, secondary;            /* flexible resources; those of secondary controllers */
    uint16_t primary, fixed, most, grain; /* the primary one's; the most of a secondary one */
    uint8_t reserved[16];
};
struct capabilities {
    uint8_t identity[32];
    struct pool queues, interrupts;
    uint8_t reserved[PAGE - 32 - 2 * sizeof(struct pool)];
};
struct secondary {
    uint16_t controller, primary;
    uint8_t online, reserved[3];
    uint16_t function; /* from 1 */
    uint16_t queues, interrupts;
    uint8_t rest[18];
};
struct secondary_list {
    uint8_t count, reserved[31];
    struct secondary list[MOST_SECONDARY];
};
_Static_assert(sizeof(struct capabilities) == PAGE, "Identify gives a page");
_Static_assert(sizeof(struct secondary_list) == PAGE, "Identify gives a page");

nvme_door_function *nvme_door;

static int ask_kernel(const struct sysroot *sysroot, const char *node, struct nvme_admin_cmd *command)
{
    autofree char *path = xasprintf("dev/%s", node);
    autoclose int fd = openat(sysroot_fd(sysroot), path, O_RDONLY | O_CLOEXEC);
    int status = fd >= 0 ? ioctl(fd, NVME_IOCTL_ADMIN_CMD, command) : -1;

    return status < 0 ? -errno : status;
}

static int send_command(const struct sysroot *sysroot, const char *node, struct nvme_admin_cmd command,
                        const char *what, struct error *err)
{
    command.timeout_ms = TIMEOUT_MS;
    if (nvme_door == NULL && !sysroot_is_host(sysroot))
        return error_set(err, ERROR_FAILED, "cannot %s: drives are spoken to only where --sysroot is /",
                         what);
    int status = nvme_door != NULL ? nvme_door(node, &command) : ask_kernel(sysroot, node, &command);
    if (status >= 0)
        return status;
    if (status == -EPERM || status == -EACCES || status == -ENOENT)
        return error_set(err, ERROR_FAILED,
                         "cannot %s: /dev/%s: %s: if the drive was added after the broker was started, "
                         "restart the broker: systemctl restart hostpci-broker",
                         what, node, strerror(-status));
    return error_set(err, ERROR_FAILED, "cannot %s: /dev/%s: %s", what, node, strerror(-status));
}

/* 0, or the status with which the drive refused. */
static int identify(const struct sysroot *sysroot, const char *node, enum identify what, void *page,
                    struct error *err)
{
    struct nvme_admin_cmd command = {
        .opcode = IDENTIFY, .addr = (uint64_t)(uintptr_t)page, .data_len = PAGE, .cdw10 = (uint32_t)what};

    memset(page, 0, PAGE);
    return send_command(sysroot, node, command, "ask the drive for its secondary controllers", err);
}

static int manage(const struct sysroot *sysroot, const char *node, unsigned controller, enum action action,
                  enum resource resource, unsigned count, const char *what, struct error *err)
{
    struct nvme_admin_cmd command = {.opcode = VIRTUALIZATION_MANAGEMENT,
                                     .cdw10 = (unsigned)action | (unsigned)resource << 8 | controller << 16,
                                     .cdw11 = count};
    int status = send_command(sysroot, node, command, what, err);

    if (status <= 0)
        return status;
    return error_set(
        err, ERROR_FAILED,
        "the drive /dev/%s refused to %s (controller %u, %u, status 0x%x): see nvme list-secondary "
        "/dev/%s, and ask for fewer virtual functions",
        node, what, controller, count, (unsigned)status, node);
}

int nvme_find(const struct sysroot *sysroot, struct pci_address physical, char node[static NVME_NODE_SIZE],
              struct error *err)
{
    autolist char **names = NULL;
    char id[PCI_ADDRESS_SIZE];

    if (sysfs_list(sysroot_fd(sysroot), pci_path(physical, "nvme").text, &names) > 0)
        for (char **name = names; *name != NULL; name++)
            if (text_starts_with(*name, "nvme") && strlen(*name) < NVME_NODE_SIZE) {
                snprintf(node, NVME_NODE_SIZE, "%s", *name);
                return 0;
            }
    pci_address_format(physical, id);
    return error_set(err, ERROR_FAILED,
                     "%s has no NVMe controller: /%s is empty, so its driver could not start it", id,
                     pci_path(physical, "nvme").text);
}

const char *nvme_explain_node(const struct sysroot *sysroot, struct pci_address physical)
{
    char node[NVME_NODE_SIZE];
    struct error ignored;

    if (nvme_door != NULL || !sysroot_is_host(sysroot) || nvme_find(sysroot, physical, node, &ignored) != 0)
        return NULL;
    autofree char *path = xasprintf("dev/%s", node);
    autoclose int fd = openat(sysroot_fd(sysroot), path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 || (errno != EPERM && errno != EACCES)
               ? NULL
               : "its drive came, or got its driver, after the broker was started, which may not open it: "
                 "restart the broker (systemctl restart hostpci-broker)";
}

void nvme_wait(const struct sysroot *sysroot, struct pci_address physical, const char *node)
{
    autofree char *state = xasprintf("%s/nvme/%s/state", pci_path(physical, NULL).text, node);
    char text[32];

    for (unsigned looks = 0; looks < LOOKS; looks++) {
        if (sysfs_read(sysroot_fd(sysroot), state, text, sizeof(text)) < 0 || strcmp(text, "live") == 0)
            return;
        nanosleep(&(const struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

/* One kind of what is divided. */
struct kind {
    const char *name;
    unsigned least;
    size_t member; /* of struct nvme_share */
};
static const struct kind kinds[] = {
    [QUEUES] = {"queues", ADMIN_QUEUES, offsetof(struct nvme_share, queues)},
    [INTERRUPTS] = {"interrupts", 1, offsetof(struct nvme_share, interrupts)},
};

static unsigned *part_of(struct nvme_share *share, const struct kind *kind)
{
    return (unsigned *)(void *)((char *)share + kind->member);
}

/* What was asked for, in all and by how many; an error if one asks for more than it can have. */
static int add_up(const struct pool *pool, unsigned count, struct nvme_share list[], const struct kind *kind,
                  unsigned long long *ret_sum, unsigned *ret_open, struct error *err)
{
    unsigned most = le16toh(pool->most);

    for (unsigned i = 0; i < count; i++) {
        unsigned part = *part_of(&list[i], kind);
        if (part > 0 && le32toh(pool->total) == 0)
            return error_set(err, ERROR_FAILED,
                             "vf%u: this drive's virtual functions have a fixed number of %s", i, kind->name);
        if (part > 0 && most > 0 && part > most)
            return error_set(err, ERROR_FAILED,
                             "vf%u: %u is more %s than one virtual function of this drive can have: %u", i,
                             part, kind->name, most);
        *ret_sum += part;
        *ret_open += part == 0;
    }
    return 0;
}

static int divide(const struct pool *pool, unsigned count, struct nvme_share list[], const struct kind *kind,
                  struct error *err)
{
    unsigned total = le32toh(pool->total), taken = le16toh(pool->primary), most = le16toh(pool->most);
    unsigned free = total > taken ? total - taken : 0, open = 0;
    unsigned long long sum = 0;

    if (add_up(pool, count, list, kind, &sum, &open, err) != 0)
        return -1;
    if (total == 0)
        return 0;
    if (sum + (unsigned long long)open * kind->least > free)
        return error_set(
            err, ERROR_FAILED,
            "the drive has %u %s to give away, and each of its virtual functions needs %u or what "
            "is asked for: ask for at most %u virtual functions, or give them less",
            free, kind->name, kind->least, free / kind->least);
    unsigned share = open > 0 ? (unsigned)(free - sum) / open : 0;
    for (unsigned i = 0; i < count; i++)
        if (*part_of(&list[i], kind) == 0)
            *part_of(&list[i], kind) = most > 0 && share > most ? most : share;
    return 0;
}

int nvme_divide(const struct sysroot *sysroot, const char *node, unsigned count, struct nvme_share list[],
                struct error *err)
{
    struct capabilities page;
    int status = identify(sysroot, node, PRIMARY_CAPABILITIES, &page, err);

    if (status < 0)
        return -1;
    if (status > 0 || count == 0)
        return 0;
    return divide(&page.queues, count, list, &kinds[QUEUES], err) != 0 ||
                   divide(&page.interrupts, count, list, &kinds[INTERRUPTS], err) != 0
               ? -1
               : 1;
}

int nvme_read_shares(const struct sysroot *sysroot, const char *node, unsigned count,
                     struct nvme_share list[], struct error *err)
{
    struct secondary_list page;
    struct capabilities shared;
    int status = identify(sysroot, node, PRIMARY_CAPABILITIES, &shared, err);

    if (status == 0)
        status = identify(sysroot, node, SECONDARY_LIST, &page, err);
    if (status != 0)
        return status < 0 ? -1 : 0;
    memset(list, 0, count * sizeof(*list));
    for (unsigned i = 0; i < page.count && i < MOST_SECONDARY; i++) {
        const struct secondary *secondary = &page.list[i];
        unsigned function = le16toh(secondary->function);
        if (function > 0 && function <= count)
            list[function - 1] = (struct nvme_share){
                .queues = shared.queues.total != 0 ? le16toh(secondary->queues) : 0,
                .interrupts = shared.interrupts.total != 0 ? le16toh(secondary->interrupts) : 0,
                .online = (secondary->online & 1) != 0};
    }
    return 1;
}

/* The controller of a virtual function. */
static int find_secondary(const struct sysroot *sysroot, const char *node, unsigned index,
                          struct secondary *ret, struct error *err)
{
    struct secondary_list page;
    int status = identify(sysroot, node, SECONDARY_LIST, &page, err);

    if (status < 0)
        return -1;
    for (unsigned i = 0; status == 0 && i < page.count && i < MOST_SECONDARY; i++)
        if (le16toh(page.list[i].function) == index + 1) {
            *ret = page.list[i];
            return 0;
        }
    return error_set(
        err, ERROR_FAILED,
        "the drive /dev/%s names no controller for its virtual function %u: see nvme list-secondary "
        "/dev/%s",
        node, index, node);
}

int nvme_set_online(const struct sysroot *sysroot, const char *node, unsigned index, struct nvme_share share,
                    struct error *err)
{
    struct secondary secondary = {.controller = 0};

    if (find_secondary(sysroot, node, index, &secondary, err) != 0)
        return -1;
    unsigned controller = le16toh(secondary.controller);
    if ((secondary.online & 1) != 0 &&
        manage(sysroot, node, controller, OFFLINE, QUEUES, 0, "set a controller offline", err) != 0)
        return -1;
    if (share.queues > 0 &&
        manage(sysroot, node, controller, ASSIGN, QUEUES, share.queues, "assign queues", err) != 0)
        return -1;
    if (share.interrupts > 0 && manage(sysroot, node, controller, ASSIGN, INTERRUPTS, share.interrupts,
                                       "assign interrupts", err) != 0)
        return -1;
    return manage(sysroot, node, controller, ONLINE, QUEUES, 0, "set a controller online", err);
}
