/* SPDX-License-Identifier: GPL-2.0-or-later */
/* make-host: writes a folder that looks like a host's sysroot, to test against. */
#include "tests/hosts/golden.h"
#include "tests/hosts/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct host host_workstation, host_sriov, host_mdev, host_nvidia, host_no_iommu, host_big_domain,
    host_broken, host_vanishing, host_usb, host_manual, host_many;

static const struct host *const hosts[] = {
    &host_workstation, &host_sriov,     &host_mdev,   &host_nvidia, &host_no_iommu, &host_big_domain,
    &host_broken,      &host_vanishing, &host_golden, &host_usb,    &host_manual,   &host_many,
};
enum { HOSTS = sizeof(hosts) / sizeof(hosts[0]) };

static int usage(void)
{
    fputs("usage: make-host NAME DIR [COUNT]      writes a host into DIR\n"
          "       make-host --unplug ID DIR       takes a function out of a host written before\n"
          "       make-host --list                the variants of the golden host: NAME, ID or -, what is "
          "wrong\n\n",
          stderr);
    for (size_t i = 0; i < HOSTS; i++)
        fprintf(stderr, "  %-12s %s\n", hosts[i]->name, hosts[i]->text);
    return 2;
}

static const struct host *find_host(const char *name)
{
    for (size_t i = 0; i < HOSTS; i++) {
        if (strcmp(hosts[i]->name, name) == 0)
            return hosts[i];
    }
    return NULL;
}

static int write_variant(const char *variant, const char *dir)
{
    tree_open(dir);
    if (golden_write(variant))
        return 0;
    fprintf(stderr, "make-host: no variant '%s'; see make-host --list\n", variant);
    return 2;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--unplug") == 0) {
        tree_open(argv[3]);
        function_remove(argv[2]);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        golden_list();
        return 0;
    }
    if (argc == 3 && strncmp(argv[1], "golden:", strlen("golden:")) == 0)
        return write_variant(argv[1] + strlen("golden:"), argv[2]);
    const struct host *host = argc == 3 || argc == 4 ? find_host(argv[1]) : NULL;
    unsigned long count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (!host || count > 65536 || (argc == 4) != (host == &host_many))
        return usage();
    tree_open(argv[2]);
    host_write(host, (unsigned)count);
    return 0;
}
