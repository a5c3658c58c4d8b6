/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that run, as far as their devices show it. */
#include "tests/api/reservation.h"

#include <criterion/criterion.h>

#include "base/file.h"
#include "base/memory.h"
#include "passthrough/index.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"

#define FIRST_PROCESS 4000 /* of VM 0 */

static char *stat_file(long long vmid)
{
    return xasprintf("proc/%lld/stat", FIRST_PROCESS + vmid);
}

static void make_process(const char *root, long long vmid)
{
    autofree char *folder = xasprintf("%s/proc/%lld", root, FIRST_PROCESS + vmid), *file = stat_file(vmid);
    struct error err;

    cr_assert_eq(file_make_folder(folder, 0755, &err), 0, "%s", err.message);
    host_write(file, "1 (kvm) S 1 1 1 0 -1 4194304 9 0 0 0 1 2 0 0 20 0 3 0 777 1000 5\n");
}

void reservation_put(long long vmid, const struct reservation *item)
{
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    autofree char *root = xasprintf("%s/../host", daemon_state());
    struct storage *storage;
    struct sysroot *host;
    struct error err;

    make_process(root, vmid);
    cr_assert_eq(storage_open(path, passthrough_index, &storage, &err), 0, "%s", err.message);
    cr_assert_eq(sysroot_open(root, &host, &err), 0, "%s", err.message);
    const struct reservations reservations = {storage, host};
    cr_assert_eq(reservations_take(&reservations, vmid, item, 1, &err), 0, "%s", err.message);
    cr_assert_eq(reservations_hand_over(&reservations, vmid, (pid_t)(FIRST_PROCESS + vmid), &err), 0, "%s",
                 err.message);
    sysroot_close(host);
    storage_close(storage);
}

void reservation_end(long long vmid)
{
    autofree char *file = stat_file(vmid);

    host_remove(file);
}
