/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci import` of what other tools set up at each start of a host, on made hosts behind which a kernel is
 * played. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/shell.h"
#include "tests/hosts/kernel.h"

#define PCI                      "/nodes/" NODE "/hardware/pci"
#define ROOT_DISK                "0000:02:00.0"
#define SPARE_NIC                "0000:03:00.1" /* its interface is enp3s0f1 */
#define DISK                     "0000:04:00.0"
#define CARD                     "0000:d8:00.0" /* of host sriov */
#define GPU                      "0000:00:02.0" /* of host mdev */
#define UUID                     "11111111-2222-3333-4444-555555555555"
#define THERE                    "d577a7cf-2595-44d8-9c08-c67358dcf7ac"

#define RUN(...)                 program_run((const char *const[]){__VA_ARGS__, NULL})
#define FAILS(status, text, ...) program_fails(status, text, (const char *const[]){__VA_ARGS__, NULL})

TestSuite(import_host, .timeout = 120);

static char folder[4096]; /* a copy of /etc */

static void begin(void)
{
    const char *above = getenv("TMPDIR");
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    snprintf(folder, sizeof(folder), "%s/etc-XXXXXX", above != NULL ? above : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    cr_assert_eq(dup2(nothing, STDIN_FILENO), STDIN_FILENO);
    close(nothing);
}

static void write_file(const char *name, const char *text)
{
    autofree char *path = xasprintf("%s/%s", folder, name), *parent = xstrdup(path);
    struct error err;

    *strrchr(parent, '/') = '\0';
    cr_assert_eq(file_make_folder(parent, 0700, &err), 0, "%s", err.message);
    cr_assert_eq(file_replace(path, text, strlen(text), 0600, &err), 0, "%s", err.message);
}

static void imports(const char *const *told, size_t count)
{
    autofree char *printed = RUN("import", folder, "--yes");

    for (size_t i = 0; i < count; i++)
        cr_expect_not_null(strstr(printed, told[i]), "'%s' is not in:\n%s", told[i], printed);
}

#define IMPORTS(...)                                                                                         \
    imports((const char *const[]){__VA_ARGS__},                                                              \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static const json_t *state_of(const char *id)
{
    autofree char *path = xasprintf(PCI "/%s/status", id);

    return member(get(path, NULL), "state");
}

DAEMON_TEST(import_host, keeps_the_drivers_of_driverctl)
{
    START(.host = "golden", .kernel = true);
    begin();
    write_file("driverctl.d/pci-" DISK, "vfio-pci\n");
    write_file("driverctl.d/pci-0000:7f:00.0", "vfio-pci\n");
    write_file("driverctl.d/pci-somewhere", "vfio-pci\n");
    IMPORTS("Devices of this host:\n  driver vfio-pci of " DISK ", also at each start\n",
            "0000:7f:00.0, also at each start: no PCI device found for", "'somewhere' is no PCI function",
            "Devices of this host: imported.");
    is_json(state_of(DISK), "{'previous-driver':'nvme','persistent-driver':'vfio-pci'}");
    IMPORTS("driver vfio-pci of " DISK ", also at each start: it keeps vfio-pci already",
            "There is nothing to import.\n");
}

DAEMON_TEST(import_host, undoes_all_devices_when_one_is_in_use)
{
    START(.host = "golden", .kernel = true);
    begin();
    write_file("sysfs.d/disk.conf", "bus/pci/devices/" DISK "/driver_override = vfio-pci\n");
    write_file("driverctl.d/pci-" ROOT_DISK, "vfio-pci\n");
    FAILS(1, "Devices of this host: nothing of this was imported", "import", folder, "--yes");
    shell_start();
    autofree char *said = shell_type("! hostpci import %s --yes 2>&1", folder);
    cr_expect_null(strstr(said, "could not be undone"), "what was not done needs no undoing:\n%s", said);
    is_json(state_of(DISK), "{}");
    is_json(state_of(ROOT_DISK), "{}");
    cr_expect_str_eq(kernel_driver(DISK), "nvme");
}

/* The two would undo each other at the next start. */
DAEMON_TEST(import_host, leaves_out_what_a_tool_of_this_host_sets)
{
    START(.host = "golden", .kernel = true);
    begin();
    host_write("etc/driverctl.d/pci-" DISK, "vfio-pci\n");
    write_file("driverctl.d/pci-" DISK, "vfio-pci\n");
    IMPORTS("'/etc/driverctl.d/pci-" DISK "' of this host sets it at each start (driverctl): take it out "
            "there",
            "There is nothing to import.\n");
}

DAEMON_TEST(import_host, takes_over_what_sysfs_conf_sets)
{
    static const char text[] = "# at boot\n"
                               "devices/system/cpu/cpu0/online = 1\n"
                               "class/net/enp3s0f1/device/sriov_drivers_autoprobe = 0\n"
                               "bus/pci/devices/" SPARE_NIC "/sriov_numvfs = 4\n"
                               "class/net/eth7/device/sriov_numvfs = 4\n"
                               "bus/pci/devices/" DISK "/power/control = on\n"
                               "nonsense\n";

    START(.host = "golden", .kernel = true);
    begin();
    host_write("etc/sysfs.conf", text);
    write_file("sysfs.conf", text);
    IMPORTS("  4 virtual functions of " SPARE_NIC ", also at each start (autoprobe: 0)\n",
            "line 2: devices/system/cpu/cpu0/online: it is no setting of a PCI function",
            "line 5: sriov_numvfs: no PCI function of this host has the network interface 'eth7'",
            "line 6: power/control of " DISK ": hostpci does not keep this", "line 7: the line has no '='",
            "Devices of this host: imported.");
    cr_expect_eq(number_of(get(PCI "/" SPARE_NIC "/sriov", NULL), "kept"), 4);
    cr_expect_eq(kernel_vfs(SPARE_NIC), 4);
    cr_expect_not(kernel_autoprobe(SPARE_NIC));
    is_json(member(get(PCI "/" SPARE_NIC "/status", NULL), "owners"), "[]");
}

static const char link_text[] = "[Match]\n"
                                "Path=pci-" CARD "\n"
                                "[Link]\n"
                                "Name=wan0\n"
                                "[SR-IOV]\n"
                                "VirtualFunction=0\n"
                                "MACAddress=02:00:00:00:00:01\n"
                                "VLANId=5\n"
                                "VLANProtocol=802.1Q\n"
                                "MACSpoofCheck=no\n"
                                "Trust=yes\n"
                                "LinkState=auto\n"
                                "[SR-IOV]\n"
                                "VirtualFunction=2\n"
                                "LinkState=no\n";

/* A card whose driver takes no settings of virtual functions refuses them, and nothing is left of it. */
DAEMON_TEST(import_host, knows_the_virtual_functions_of_systemds_links)
{
    START(.host = "sriov", .kernel = true);
    kernel_set_vf_driver(CARD, "iavf", 200);
    begin();
    write_file("systemd/network/10-card.link", link_text);
    FAILS(1,
          "3 virtual functions of " CARD ", also at each start (vf0: "
          "mac=02:00:00:00:00:01,vlan=5,proto=802.1q,spoofchk=0,trust=1,link-state=auto; vf2: "
          "link-state=disable)\n",
          "import", folder, "--yes");
    cr_expect_eq(kernel_vfs(CARD), 0);
    write_file("systemd/network/10-card.link",
               "[Match]\nPath=pci-" CARD "\n[Link]\nSR-IOVVirtualFunctions=4\n[SR-IOV]\nTrust=1\nColour=1\n");
    write_file("systemd/network/20-name.link", "[Match]\nOriginalName=*\n[Link]\nName=lan0\n");
    write_file("systemd/network/30-mac.link",
               "[Match]\nMACAddress=02:00:00:00:00:01\n[Link]\nSR-IOVVirtualFunctions=4\n");
    autofree char *network = xasprintf("%s/systemd/network", folder);
    autofree char *printed = RUN("import", network, "--yes");
    cr_expect_not_null(strstr(printed, "  4 virtual functions of " CARD ", also at each start\n"), "%s",
                       printed);
    cr_expect_not_null(strstr(printed, "10-card.link: line 7: Colour: hostpci has no such setting"), "%s",
                       printed);
    cr_expect_not_null(strstr(printed, "10-card.link: line 8: an [SR-IOV] section names no"), "%s", printed);
    cr_expect_not_null(strstr(printed, "20-name.link: it sets no virtual functions"), "%s", printed);
    cr_expect_not_null(strstr(printed, "30-mac.link: virtual functions: it names their card neither by"),
                       "%s", printed);
    cr_expect_eq(kernel_vfs(CARD), 4);
    cr_expect_eq(number_of(get(PCI "/" CARD "/sriov", NULL), "kept"), 4);
}

DAEMON_TEST(import_host, finds_a_function_by_its_interface)
{
    START(.host = "golden", .kernel = true);
    begin();
    write_file("card.link", "[Match]\nOriginalName=enp3s0f1\n[SR-IOV]\nVirtualFunction=1\n");
    autofree char *link = xasprintf("%s/card.link", folder);
    free(RUN("import", link, "--yes"));
    cr_expect_eq(kernel_vfs(SPARE_NIC), 2);
}

DAEMON_TEST(import_host, keeps_the_mediated_devices_of_mdevctl)
{
    static const char automatic[] =
        "{\"mdev_type\": \"i915-GVTg_V5_8\", \"start\": \"auto\", \"attrs\": [{\"a\": \"1\"}]}";
    static const char manual[] = "{\"mdev_type\": \"i915-GVTg_V5_8\", \"start\": \"manual\"}";

    START(.host = "mdev", .kernel = true);
    begin();
    write_file("mdevctl.d/" GPU "/" UUID, automatic);
    write_file("mdevctl.d/" GPU "/" THERE, automatic);
    write_file("mdevctl.d/" GPU "/22222222-2222-3333-4444-555555555555", manual);
    IMPORTS("  mediated device " UUID ", i915-GVTg_V5_8 of " GPU ", also at each start\n",
            "attributes of mediated device " UUID ": add them to its file in /etc/mdevctl.d",
            "mdevctl makes it only when it is told to", "Devices of this host: imported.");
    const json_t *list = get("/nodes/" NODE "/hardware/mdev", NULL);
    cr_expect_eq(number_of(row(list, "id", UUID), "persistent"), 1);
    cr_expect_eq(number_of(row(list, "id", THERE), "persistent"), 1);
}
