/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual functions of an NVMe drive that carry it. */
#include "tests/api/lab/nvme.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/memory.h"
#include "tests/api/lab/machine.h"

#define VIRTUALIZATION_MANAGEMENT 0x1c

enum resource { QUEUES, INTERRUPTS };
enum action { ASSIGN = 8, ONLINE = 9 };

static void manage(int fd, unsigned controller, enum action action, enum resource resource, unsigned count)
{
    struct nvme_admin_cmd command = {
        .opcode = VIRTUALIZATION_MANAGEMENT,
        .cdw10 = (unsigned)action | (unsigned)resource << 8 | controller << 16,
        .cdw11 = count,
    };
    int status = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command);

    cr_assert_eq(status, 0, "action %d on controller %u: %s", (int)action, controller,
                 status < 0 ? strerror(errno) : "refused by the drive");
}

void nvme_bring_online(const char *physical, unsigned controller)
{
    autofree char *name = machine_entry(physical, "nvme"), *node = xasprintf("/dev/%s", name);
    autoclose int fd = open(node, O_RDONLY | O_CLOEXEC);

    cr_assert_neq(fd, -1, "%s: %s", node, strerror(errno));
    manage(fd, controller, ASSIGN, QUEUES, 2);
    manage(fd, controller, ASSIGN, INTERRUPTS, 1);
    manage(fd, controller, ONLINE, QUEUES, 0);
}
