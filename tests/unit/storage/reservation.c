/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reservations: one VM for each device, all devices or none, and stale reservations give way. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "storage/reservation.h"
#include "tests/unit/storage/fixture.h"

static int try_take(struct storage *storage, int64_t vmid, const struct reservation *items, size_t count,
                    const char *stale, struct error *err)
{
    const struct reservation_holder holder = {
        .vmid = vmid, .state = "starting", .process = 500 + vmid, .start = 7, .boot = "b1"};
    autojson json_t *list = fixture_json(stale);

    return reservation_take(storage, &holder, items, count, list, err);
}

static void take(struct storage *storage, int64_t vmid, const char *device)
{
    const struct reservation item = {.device = device, .key = "hostpci0"};
    struct error err;

    cr_assert_eq(try_take(storage, vmid, &item, 1, "[]", &err), 0, "%s", err.message);
}

static void expect_list(struct storage *storage, const char *text)
{
    json_t *list;
    struct error err;

    cr_assert_eq(reservation_list(storage, &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, text);
}

#define GPU_OF_100                                                                                           \
    "{'device': '0000:01:00.0', 'vmid': 100, 'key': 'hostpci0', 'state': 'starting', 'process': 600,"        \
    " 'start': 7, 'boot': 'b1'}"

Test(storage_reservation, is_kept_over_a_restart_until_it_is_released)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    struct storage *storage = fixture_open(fixture.path);
    struct error err;

    take(storage, 100, "0000:01:00.0");
    storage_close(storage);
    storage = fixture_open(fixture.path);
    expect_list(storage, "[" GPU_OF_100 "]");
    cr_assert_eq(reservation_release(storage, 101, NULL, &err), 0, "%s", err.message);
    expect_list(storage, "[" GPU_OF_100 "]");
    cr_assert_eq(reservation_release(storage, 100, NULL, &err), 0, "%s", err.message);
    expect_list(storage, "[]");
    storage_close(storage);
}

Test(storage_reservation, is_of_one_vm)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    const struct reservation items[] = {{.device = "0000:02:00.0", .key = "hostpci0"},
                                        {.device = "0000:01:00.0", .key = "hostpci1"}};
    struct error err;

    take(storage, 100, "0000:01:00.0");
    take(storage, 100, "0000:01:00.0"); /* its own */
    cr_assert_eq(try_take(storage, 101, items, 2, "[]", &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, "PCI device '0000:01:00.0' already in use by VMID '100'");
    expect_list(storage, "[" GPU_OF_100 "]");
}

Test(storage_reservation, of_a_function_and_of_its_mediated_devices_exclude_each_other)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    const struct reservation whole = {.device = "0000:81:00.0", .key = "hostpci0"};
    const struct reservation part = {
        .device = "uuid-1", .key = "hostpci0", .parent = "0000:81:00.0", .type = "nvidia-1"};
    struct error err;

    cr_assert_eq(try_take(storage, 100, &part, 1, "[]", &err), 0, "%s", err.message);
    cr_assert_eq(try_take(storage, 101, &whole, 1, "[]", &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, "PCI device '0000:81:00.0' already in use by VMID '100'");
    cr_assert_eq(reservation_release(storage, 100, NULL, &err), 0);
    cr_assert_eq(try_take(storage, 101, &whole, 1, "[]", &err), 0, "%s", err.message);
    cr_assert_eq(try_take(storage, 100, &part, 1, "[]", &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, "already in use by VMID '101'");
}

/* Whoever counted the instances that are left, and was overtaken, has to count again. */
Test(storage_reservation, a_parent_has_no_more_siblings_than_were_counted)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct reservation first = {.device = "uuid-1", .key = "hostpci0", .parent = "0000:81:00.0", .type = "t"};
    struct reservation second = {
        .device = "uuid-2", .key = "hostpci0", .parent = "0000:81:00.0", .type = "t"};
    struct error err;

    cr_assert_eq(try_take(storage, 100, &first, 1, "[]", &err), 0, "%s", err.message);
    cr_assert_eq(try_take(storage, 101, &second, 1, "[]", &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, "PCI device '0000:81:00.0' already in use by VMID '100'");
    second.siblings = 1;
    cr_assert_eq(try_take(storage, 101, &second, 1, "[]", &err), 0, "%s", err.message);
}

Test(storage_reservation, stale_ones_make_room_unless_they_were_renewed)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    const struct reservation item = {.device = "0000:01:00.0", .key = "hostpci0"};
    static const char other_start[] =
        "[{'device': '0000:01:00.0', 'process': 600, 'start': 6, 'boot': 'b1'}]";
    struct error err;

    take(storage, 100, "0000:01:00.0");
    cr_assert_eq(try_take(storage, 101, &item, 1, other_start, &err), -1);
    cr_assert_eq(try_take(storage, 101, &item, 1, "[" GPU_OF_100 "]", &err), 0, "%s", err.message);
    expect_list(storage, "[{'device': '0000:01:00.0', 'vmid': 101, 'key': 'hostpci0', 'state': 'starting',"
                         " 'process': 601, 'start': 7, 'boot': 'b1'}]");
}

Test(storage_reservation, gets_another_holder_with_all_of_its_vm)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    const struct reservation_holder running = {
        .vmid = 100, .state = "running", .process = 4242, .start = 99, .boot = "b1"};
    struct error err;

    take(storage, 100, "0000:01:00.0");
    take(storage, 101, "0000:02:00.0");
    cr_assert_eq(reservation_hand_over(storage, &running, &err), 0, "%s", err.message);
    expect_list(storage, "[{'device': '0000:01:00.0', 'vmid': 100, 'key': 'hostpci0', 'state': 'running',"
                         "  'process': 4242, 'start': 99, 'boot': 'b1'},"
                         " {'device': '0000:02:00.0', 'vmid': 101, 'key': 'hostpci0', 'state': 'starting',"
                         "  'process': 601, 'start': 7, 'boot': 'b1'}]");
}
