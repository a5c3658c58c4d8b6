/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual functions of an NVMe drive, with a drive that is played behind the door. */
#include "hardware/slice/nvme.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/hardware/fixture.h"

#define PHYSICAL "0000:03:00.0"

static struct {
    unsigned char capabilities[4096], list[4096];
    int refuse; /* the status of a command with this action; 0: none is refused */
    unsigned action;
    char log[512]; /* "8:0:1:2 " an action, resource, controller, number */
} drive;

static int play(const char *node, struct nvme_admin_cmd *command)
{
    size_t length = strlen(drive.log);

    if (strcmp(node, "nvme0") != 0)
        return -ENOENT;
    if (command->opcode == 0x06) {
        const unsigned char *page = command->cdw10 == 0x14 ? drive.capabilities : drive.list;
        if (command->cdw10 == 0x14 && drive.refuse != 0 && drive.action == 0)
            return drive.refuse;
        memcpy((void *)(uintptr_t)command->addr, page, command->data_len);
        return 0;
    }
    unsigned action = command->cdw10 & 0xff;
    snprintf(drive.log + length, sizeof(drive.log) - length, "%u:%u:%u:%u ", action,
             command->cdw10 >> 8 & 0xff, command->cdw10 >> 16, command->cdw11);
    return action == drive.action ? drive.refuse : 0;
}

/* 8 flexible queues, at most 4 for each; 4 interrupts. Controllers 5 and 6 are its virtual functions 1 and 2,
 * of which the second is online. */
static void make_drive(struct tree *tree)
{
    memset(&drive, 0, sizeof(drive));
    drive.capabilities[32] = 8;
    drive.capabilities[32 + 12] = 4;
    drive.capabilities[64] = 4;
    drive.list[0] = 2;
    drive.list[32] = 5;
    drive.list[32 + 8] = 1;
    drive.list[64] = 6;
    drive.list[64 + 4] = 1;
    drive.list[64 + 8] = 2;
    nvme_door = play;
    tree_make(tree);
    tree_write(tree, "sys/bus/pci/devices/" PHYSICAL "/nvme/nvme0/cntlid", "0\n");
}

Test(nvme, shares_what_the_drive_has_among_its_virtual_functions)
{
    static const struct {
        unsigned count, queues, interrupts;
    } cases[] = {{1, 4, 4}, {2, 4, 2}, {3, 2, 1}, {4, 2, 1}};
    autotree struct tree tree;
    char node[NVME_NODE_SIZE];
    struct error err = {.message = ""};

    make_drive(&tree);
    cr_assert_eq(nvme_find(tree.sysroot, address_of(PHYSICAL), node, &err), 0, "%s", err.message);
    cr_assert_str_eq(node, "nvme0");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct nvme_share shares[4] = {{.queues = 0}};
        cr_assert_eq(nvme_divide(tree.sysroot, node, cases[i].count, shares, &err), 1, "%s", err.message);
        for (unsigned vf = 0; vf < cases[i].count; vf++) {
            cr_expect_eq(shares[vf].queues, cases[i].queues, "%u: %u", cases[i].count, shares[vf].queues);
            cr_expect_eq(shares[vf].interrupts, cases[i].interrupts, "%u: %u", cases[i].count,
                         shares[vf].interrupts);
        }
    }
}

Test(nvme, gives_what_is_asked_for_and_divides_the_rest)
{
    static const struct {
        unsigned count;
        struct nvme_share asked[5], given[5];
        const char *message;
    } cases[] = {
        {3, {{.queues = 4}, {0}, {.interrupts = 2}}, {{4, 1, false}, {2, 1, false}, {2, 2, false}}, NULL},
        {2, {{.queues = 4, .interrupts = 3}, {.queues = 2}}, {{4, 3, false}, {2, 1, false}}, NULL},
        {2,
         {{.queues = 5}},
         {{0}},
         "vf0: 5 is more queues than one virtual function of this drive can have: 4"},
        {3, {{.queues = 4}, {.queues = 4}}, {{0}}, "the drive has 8 queues to give away"},
        {2, {{0}, {.interrupts = 4}}, {{0}}, "the drive has 4 interrupts to give away"},
        {5,
         {{0}},
         {{0}},
         "each of its virtual functions needs 2 or what is asked for: ask for at most 4 virtual"},
    };
    autotree struct tree tree;
    struct error err = {.message = ""};

    make_drive(&tree);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct nvme_share shares[5];
        memcpy(shares, cases[i].asked, sizeof(shares));
        int result = nvme_divide(tree.sysroot, "nvme0", cases[i].count, shares, &err);
        cr_assert_eq(result, cases[i].message == NULL ? 1 : -1, "case %zu: %s", i, err.message);
        cr_expect(cases[i].message == NULL || strstr(err.message, cases[i].message) != NULL, "%s",
                  err.message);
        for (unsigned vf = 0; vf < cases[i].count && result > 0; vf++) {
            cr_expect_eq(shares[vf].queues, cases[i].given[vf].queues, "case %zu, %u", i, vf);
            cr_expect_eq(shares[vf].interrupts, cases[i].given[vf].interrupts, "case %zu, %u", i, vf);
        }
    }
    memset(drive.capabilities, 0, sizeof(drive.capabilities)); /* each has what it has */
    struct nvme_share fixed[2] = {{.queues = 2}};
    cr_assert_eq(nvme_divide(tree.sysroot, "nvme0", 2, fixed, &err), -1);
    cr_expect_not_null(strstr(err.message, "have a fixed number of queues"), "%s", err.message);
    fixed[0].queues = 0;
    cr_assert_eq(nvme_divide(tree.sysroot, "nvme0", 2, fixed, &err), 1, "%s", err.message);
    cr_expect_eq(fixed[0].queues, 0);
}

Test(nvme, says_what_each_virtual_function_has)
{
    autotree struct tree tree;
    struct nvme_share shares[2];
    struct error err = {.message = ""};

    make_drive(&tree);
    drive.list[64 + 10] = 3;
    drive.list[64 + 12] = 2;
    cr_assert_eq(nvme_read_shares(tree.sysroot, "nvme0", 2, shares, &err), 1, "%s", err.message);
    cr_expect(!shares[0].online && shares[0].queues == 0 && shares[0].interrupts == 0);
    cr_expect(shares[1].online && shares[1].queues == 3 && shares[1].interrupts == 2);
    drive.capabilities[32] = 0; /* they are not shared, but its own */
    cr_assert_eq(nvme_read_shares(tree.sysroot, "nvme0", 2, shares, &err), 1, "%s", err.message);
    cr_expect(shares[1].queues == 0 && shares[1].interrupts == 2);
}

Test(nvme, sets_a_controller_online_with_its_share)
{
    autotree struct tree tree;
    struct nvme_share share = {.queues = 2, .interrupts = 1}, fixed = {.queues = 0};
    struct error err = {.message = ""};

    make_drive(&tree);
    cr_assert_eq(nvme_set_online(tree.sysroot, "nvme0", 0, share, &err), 0, "%s", err.message);
    cr_assert_str_eq(drive.log, "8:0:5:2 8:1:5:1 9:0:5:0 ");
    drive.log[0] = '\0';
    cr_assert_eq(nvme_set_online(tree.sysroot, "nvme0", 1, fixed, &err), 0, "%s", err.message);
    cr_assert_str_eq(drive.log, "7:0:6:0 9:0:6:0 ");
}

Test(nvme, says_what_the_drive_refused)
{
    autotree struct tree tree;
    struct nvme_share share[2] = {{.queues = 2, .interrupts = 1}};
    char node[NVME_NODE_SIZE];
    struct error err = {.message = ""};

    make_drive(&tree);
    cr_assert_eq(nvme_set_online(tree.sysroot, "nvme0", 2, share[0], &err), -1);
    cr_expect_not_null(strstr(err.message, "names no controller for its virtual function 2"), "%s",
                       err.message);
    drive.action = 9;
    drive.refuse = 0x4120;
    cr_assert_eq(nvme_set_online(tree.sysroot, "nvme0", 0, share[0], &err), -1);
    cr_expect_not_null(
        strstr(err.message, "refused to set a controller online (controller 5, 0, status 0x4120)"), "%s",
        err.message);
    drive.action = 0; /* it knows nothing of secondary controllers */
    cr_assert_eq(nvme_divide(tree.sysroot, "nvme0", 2, share, &err), 0);
    cr_assert_eq(nvme_divide(tree.sysroot, "nvme1", 2, share, &err), -1);
    cr_expect_not_null(strstr(err.message, "/dev/nvme1: No such file or directory"), "%s", err.message);
    cr_assert_eq(nvme_find(tree.sysroot, address_of("0000:04:00.0"), node, &err), -1);
    cr_expect_not_null(strstr(err.message, "0000:04:00.0 has no NVMe controller"), "%s", err.message);
    nvme_door = NULL;
    cr_assert_eq(nvme_divide(tree.sysroot, "nvme0", 2, share, &err), -1);
    cr_expect_not_null(strstr(err.message, "only where --sysroot is /"), "%s", err.message);
}
