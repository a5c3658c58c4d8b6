/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which VM has which device of this node, and which reservations are stale. */
#include "passthrough/assign/reservation.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/process.h"
#include "hardware/paths.h"
#include "storage/reservation.h"

#define BOOT_SIZE 64 /* enough for a UUID and the end of its line */

/* Stands for the start time of this process, which is not in a sysroot other than /. It is random, so that no
 * earlier or later process has the same. */
static int64_t run;

static void make_run(void)
{
    uint64_t random;

    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        abort();
    run = (int64_t)(random >> 1);
}

static int64_t this_run(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_run);
    return run;
}

/* "" if the host does not have it. */
static void read_boot(const struct sysroot *sysroot, char boot[static BOOT_SIZE])
{
    if (sysfs_read(sysroot_fd(sysroot), PROC_BOOT_ID, boot, BOOT_SIZE) < 0)
        boot[0] = '\0';
}

/* With the mount option hidepid, /proc does not show us other users' processes. A VM that was running is then
 * assumed to be still running. */
static bool hides_processes(const struct sysroot *sysroot)
{
    return sysroot_is_host(sysroot) && !sysfs_exists(sysroot_fd(sysroot), path_of_process(1, "stat").text);
}

/* When the process started; false if there is none. */
static bool find_start(const struct sysroot *sysroot, pid_t process, int64_t *ret)
{
    char stat[4096];
    unsigned long long start;

    if (process == getpid()) {
        *ret = this_run();
        return true;
    }
    if (sysfs_read(sysroot_fd(sysroot), path_of_process(process, "stat").text, stat, sizeof(stat)) <= 0 ||
        !process_parse_start(stat, &start))
        return false;
    *ret = (int64_t)start;
    return true;
}

static bool is_stale(const struct reservations *reservations, const char *boot, const json_t *reservation)
{
    pid_t process = (pid_t)json_integer_value(json_object_get(reservation, "process"));
    int64_t start;

    if (strcmp(json_string_value(json_object_get(reservation, "boot")), boot) != 0)
        return true;
    if (find_start(reservations->sysroot, process, &start))
        return start != json_integer_value(json_object_get(reservation, "start"));
    bool runs = strcmp(json_string_value(json_object_get(reservation, "state")), "running") == 0;
    return !(runs && hides_processes(reservations->sysroot));
}

/* Puts each reservation into one of the two lists, either of which may be NULL. */
static int sort_out(const struct reservations *reservations, const char *boot, json_t *held, json_t *stale,
                    struct error *err)
{
    autojson json_t *all = NULL;
    json_t *reservation;
    size_t i;

    if (reservation_list(reservations->storage, &all, err) != 0)
        return -1;
    json_array_foreach(all, i, reservation) {
        json_t *list = is_stale(reservations, boot, reservation) ? stale : held;
        if (list != NULL)
            json_array_append(list, reservation);
    }
    return 0;
}

static int find_holder(const struct reservations *reservations, long long vmid, pid_t process,
                       char boot[static BOOT_SIZE], struct reservation_holder *ret, struct error *err)
{
    *ret = (struct reservation_holder){.vmid = vmid, .state = "running", .process = process, .boot = boot};
    read_boot(reservations->sysroot, boot);
    if (find_start(reservations->sysroot, process, &ret->start) || hides_processes(reservations->sysroot))
        return 0;
    return error_set(err, ERROR_FAILED, "VM %lld no longer runs: there is no process %d", vmid, (int)process);
}

int reservations_take_for(const struct reservations *reservations, long long vmid, pid_t process,
                          const struct reservation *items, size_t count, struct error *err)
{
    autojson json_t *stale = json_array();
    char boot[BOOT_SIZE];
    struct reservation_holder holder;

    if (find_holder(reservations, vmid, process != 0 ? process : getpid(), boot, &holder, err) != 0)
        return -1;
    if (process == 0)
        holder.state = "starting";
    if (sort_out(reservations, boot, NULL, stale, err) != 0)
        return -1;
    return reservation_take(reservations->storage, &holder, items, count, stale, err);
}

int reservations_take(const struct reservations *reservations, long long vmid,
                      const struct reservation *items, size_t count, struct error *err)
{
    return reservations_take_for(reservations, vmid, 0, items, count, err);
}

int reservations_hand_over(const struct reservations *reservations, long long vmid, pid_t process,
                           struct error *err)
{
    char boot[BOOT_SIZE];
    struct reservation_holder holder;

    if (find_holder(reservations, vmid, process, boot, &holder, err) != 0)
        return -1;
    return reservation_hand_over(reservations->storage, &holder, err);
}

int reservations_release(const struct reservations *reservations, long long vmid, const char *key,
                         struct error *err)
{
    return reservation_release(reservations->storage, vmid, key, err);
}

int reservations_list(const struct reservations *reservations, json_t **ret, struct error *err)
{
    autojson json_t *held = json_array(), *devices = json_object();
    json_t *reservation;
    char boot[BOOT_SIZE];
    size_t i;

    read_boot(reservations->sysroot, boot);
    if (sort_out(reservations, boot, held, NULL, err) != 0)
        return -1;
    json_array_foreach(held, i, reservation) {
        json_object_set(devices, json_string_value(json_object_get(reservation, "device")), reservation);
        json_object_del(reservation, "device");
        json_object_del(reservation, "start");
        json_object_del(reservation, "boot");
    }
    *ret = TAKE(devices);
    return 0;
}

const json_t *reservations_find(const json_t *reserved, long long vmid, const char **ret_device)
{
    const char *device;
    const json_t *reservation;

    json_object_foreach((json_t *)(uintptr_t)reserved, device, reservation)
        if (json_integer_value(json_object_get(reservation, "vmid")) == vmid) {
            *ret_device = device;
            return reservation;
        }
    return NULL;
}
