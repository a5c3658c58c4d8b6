/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where other nodes reach this one. */
#include "cluster/address.h"

#include <criterion/criterion.h>

#include "base/memory.h"

static void expect(const char *listened, const char *endpoints, const char *wanted)
{
    autofree char *found = address_announce(listened, endpoints);

    cr_assert_str_eq(found, wanted);
}

Test(cluster_address, is_what_the_daemon_listens_on)
{
    expect("https://10.0.0.7:8006", "http://127.0.0.1:2379", "https://10.0.0.7:8006");
    expect("https://[fd00::7]:8006", "http://127.0.0.1:2379", "https://[fd00::7]:8006");
}

Test(cluster_address, of_all_addresses_is_the_one_towards_etcd)
{
    expect("https://0.0.0.0:8006", "http://127.0.0.1:2379", "https://127.0.0.1:8006");
    expect("https://[::]:8006", "http://127.0.0.1:2379,nonsense", "https://127.0.0.1:8006");
}
