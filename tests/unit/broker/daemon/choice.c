/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Persistent choices of drivers: they are made again at each start of the broker. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/unit/broker/fixture.h"

#define KEEP_DISK "{'id': '" DISK "', 'driver': 'vfio-pci', 'persistent': 1}"

Test(choice, is_made_again_at_each_start)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", KEEP_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
             "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    expect_log(&stage, "persistent");
    stage_stop_broker(&stage, SIGTERM);
    stage_start_broker(&stage);
    stage_wait_for_quiet(&stage);
    expect_place(DISK, "vfio-pci", "vfio-pci");
    free(client_follow(&stage, "boot:" DISK, NULL));
    stage_stop_broker(&stage, SIGTERM);
    stage_start_broker(&stage);
    stage_wait_for_quiet(&stage);
    free(client_follow(&stage, "boot:" DISK, NULL));
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto', 'persistent': 0}",
             "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    stage_stop_broker(&stage, SIGTERM);
    stage_start_broker(&stage);
    stage_wait_for_quiet(&stage);
    expect_place(DISK, "nvme", "");
}

Test(choice, is_for_the_card_that_it_was_made_for)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", KEEP_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
             "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    stage_stop_broker(&stage, SIGTERM);
    tree_write(&stage.tree, "sys/bus/pci/devices/" DISK "/device", "0xa80a\n");
    stage_start_broker(&stage);
    stage_wait_for_quiet(&stage);
    expect_place(DISK, "nvme", "");
    autojson json_t *result = NULL;
    struct error err;
    cr_assert_eq(broker_follow(stage.client, "boot:" DISK, 0, NULL, NULL, &result, &err), -1);
    cr_assert_eq(err.kind, ERROR_NOT_FOUND);
}

/* What is brought back from the last run comes first. */
Test(choice, waits_for_what_is_brought_back)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", KEEP_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", "{'id': '" DISK "', 'driver': 'auto'}");
    client_wait_for_hang();
    stage_stop_broker(&stage, SIGKILL);
    stage_start_broker(&stage);
    client_let_go(&stage);
    client_expect(&stage, client, "interrupted; " DISK " is back with vfio-pci");
    stage_wait_for_quiet(&stage);
    free(client_follow(&stage, "boot:" DISK, NULL));
    expect_place(DISK, "vfio-pci", "vfio-pci");
    expect_quiet(&stage);
}
