/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of checks of a VM's start, and how they are run and told. */
#include "passthrough/preflight/preflight.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/host.h"
#include "hardware/paths.h"
#include "passthrough/preflight/parts.h"
#include "vm/config/config.h"

/* Sections of the manual's page "PCI(e) Passthrough". */
#define GENERAL  "General Requirements"
#define MODULES  "Kernel Modules"
#define GPU      "GPU Passthrough Notes"
#define DEVICE   "Host Device Passthrough"
#define VM       "VM Configuration"
#define IDS      "PCI ID overrides"
#define MEDIATED "Mediated Devices (vGPU, GVT-g)"
#define CLUSTERS "Use in Clusters"
#define VIOMMU   "vIOMMU (emulated IOMMU)"
#define OURS     "(not in the manual)"

/* clang-format off */
const struct preflight_row preflight_rows[] = {
    /* the VM, and what the host has for it */
    {"vm-locked", true, OURS, "",
     "the key lock", preflight_lock},
    {"vm-template", true, OURS, "",
     "the key template", preflight_template},
    {"vm-running", true, OURS, "",
     "whether devices are reserved for it by a process that lives", preflight_running},
    {"qemu", true, OURS, "",
     "that QEMU is there and answers", preflight_qemu},
    {"kvm", true, OURS, "",
     "/dev/kvm, unless kvm=0", preflight_kvm},
    {"vfio-device", true, MODULES,
     "You have to make sure the following modules are loaded.",
     "/dev/vfio/vfio, where the module is loaded; host checks tell the rest", preflight_vfio},
    {"processors", true, OURS, "",
     "sockets times cores against the host's processors", preflight_processors},
    {"memory-free", false, OURS, "",
     "memory against MemAvailable of /" PROC_MEMINFO, preflight_memory},
    {"balloon", false, OURS, "",
     "a balloon beside a device that keeps all memory in place", preflight_balloon},
    {"hugepages", true, OURS, "",
     "free huge pages of the size that is wanted", preflight_hugepages},
    {"host", true, GENERAL,
     "Your hardware needs to support IOMMU (I/O Memory Management Unit) interrupt remapping.",
     "each check of the host that decides and is not ok, under its own id", preflight_host},

    /* its devices */
    {"device-chosen", true, CLUSTERS,
     "It is also possible to map devices on a cluster level, so that they can be properly used with HA and hardware "
     "changes are detected",
     "each hostpciN that gets no device, and why each alternative of a mapping was passed over", preflight_chosen},
    {"device", true, DEVICE,
     "The most used variant of PCI(e) passthrough is to pass through a whole PCI(e) card",
     "checks of each function that is given, under their own ids: those that decide, and warnings of the others",
     preflight_functions},
    {"device-detached", false, DEVICE,
     "Proxmox VE tries to automatically make the PCI(e) device unavailable for the host.",
     "functions that lose their driver, also others of the same IOMMU group", preflight_detached},
    {"device-in-hand", false, OURS, "",
     "a task that works on a function", preflight_task},
    {"device-reset", false, OURS, "",
     "a function whose last reset failed", preflight_reset},
    {"driver-kept", true, OURS, "",
     "with driver=keep, that it has a driver that gives it to VMs", preflight_keep},
    {"functions-left", false, VM,
     "If your device has multiple functions (e.g., '00:02.0' and '00:02.1'), you can pass them through all together with "
     "the shortened syntax '00:02'.",
     "functions of a graphics card, its sound, that the VM does not get", preflight_others},
    {"mediated-device", false, MEDIATED,
     "Proxmox VE automatically creates such a device on VM start, and cleans it up again when the VM stops.",
     "its parent, type and name", preflight_mdev},
    {"id-overrides", false, IDS,
     "You can override the PCI vendor ID, device ID, and subsystem IDs that will be seen by the guest.",
     "vendor-id, device-id, sub-vendor-id, sub-device-id against the device's own", preflight_overrides},

    /* its command line, and what that names */
    {"command-line", true, "(introduction)",
     "PCIe passthrough is only available on q35 machines.",
     "every key for which there is no command line: what excludes each other, what this QEMU does not have",
     preflight_command},
    {"volume", true, OURS, "",
     "that files and block devices of drives are there and can be read", preflight_volumes},
    {"rom-file", true, VM,
     "romfile=<path>, is an optional path to a ROM file for the device to use.",
     "that it is there, and whether its images are for the VM's firmware", preflight_roms},
    {"bridge-of-net", true, OURS, "",
     "that each netN's bridge exists", preflight_bridges},
    {"ovmf-files", true, VM,
     "OVMF (UEFI for VMs) instead of SeaBIOS",
     "that OVMF is installed, if the VM has it", preflight_firmware},

    /* advice */
    {"gpu-machine", false, VM,
     "When passing through a GPU, the best compatibility is reached when using q35 as machine type",
     "the machine of a VM with a graphics card", preflight_gpu_machine},
    {"gpu-firmware", false, VM,
     "OVMF (UEFI for VMs) instead of SeaBIOS",
     "its bios", preflight_gpu_firmware},
    {"gpu-pcie", false, VM,
     "and PCIe instead of PCI.",
     "pcie of the graphics card, on q35", preflight_gpu_pcie},
    {"gpu-rom", false, VM,
     "if you want to use OVMF for GPU passthrough, the GPU needs to have an UEFI capable ROM, otherwise use SeaBIOS "
     "instead.",
     "that the card has a ROM, or is given one", preflight_gpu_rom},
    {"gpu-screen", false, GPU,
     "It is not possible to display the frame buffer of the GPU via NoVNC or SPICE [...]. When passing through a whole GPU "
     "or a vGPU and graphic output is wanted, one has to either physically connect a monitor to the card, or configure a "
     "remote desktop software",
     "each graphics card", preflight_gpu_screen},
    {"gpu-hides-kvm", false, OURS, "",
     "whether NVIDIA's driver would see KVM: x-vga, hidden of cpu", preflight_gpu_hidden},
    {"x-vga", true, VM,
     "x-vga=on|off marks the PCI(e) device as the primary GPU of the VM. With this enabled the vga configuration option "
     "will be ignored.",
     "that it is a VGA device, the only one, and that vga is not set", preflight_x_vga},
    {"rom-bar", false, VM,
     "rombar=on|off makes the firmware ROM visible for the guest. Default is on. Some PCI(e) devices need this disabled.",
     "rombar=0, above all with romfile", preflight_rom_bar},
    {"viommu-host", false, VIOMMU,
     "Host requirement: Add intel_iommu=on or amd_iommu=on depending on your CPU to your kernel command line.",
     "whether the host's IOMMU is on", preflight_viommu_host},
    {"viommu-guest", false, VIOMMU,
     "Whether you are using an Intel or AMD CPU on your host, it is important to set intel_iommu=on in the VMs kernel "
     "parameters.",
     "viommu of machine", preflight_viommu_guest},
    {"machine-version", false, OURS, "",
     "with Windows, a machine without its version", preflight_machine_version},
};
/* clang-format on */

const size_t preflight_row_count = COUNT_OF(preflight_rows);

static void read_host(struct inspection *inspection)
{
    autojson json_t *host = NULL;
    struct error err;

    if (host_describe(inspection->what->sysroot, &host, &err) != 0)
        host = json_object();
    inspection->memory = json_incref(json_object_get(host, "memory"));
    inspection->cpus = json_incref(json_object_get(host, "cpuinfo"));
}

static void read_machine(struct inspection *inspection)
{
    autojson json_t *machine = preflight_values(inspection, "machine");

    inspection->q35 = strstr(json_text(machine, "type"), "q35") != NULL;
    inspection->ovmf = strcmp(preflight_text(inspection, "bios"), "ovmf") == 0;
}

static int prepare(struct inspection *inspection, struct error *err)
{
    const struct preflight *what = inspection->what;

    inspection->config = vm_config_view(what->document, false);
    inspection->seen = json_object();
    inspection->states = json_object();
    const struct reservations reservations = {what->storage, what->sysroot};
    if (availability_read(&reservations, what->inventory, &inspection->availability, err) != 0)
        return -1;
    inspection->inventory = inspection->availability.inventory;
    const struct assign assign = {.storage = what->storage,
                                  .availability = &inspection->availability,
                                  .node = what->node,
                                  .vmid = what->vmid,
                                  .config = inspection->config};
    assign_devices(&assign, &inspection->choices);
    read_host(inspection);
    read_machine(inspection);
    preflight_look(inspection);
    return 0;
}

static void release(struct inspection *inspection)
{
    json_t *const values[] = {inspection->config, inspection->memory, inspection->cpus,
                              inspection->seen,   inspection->states, inspection->host};

    for (size_t i = 0; i < COUNT_OF(values); i++)
        json_decref(values[i]);
    for (size_t i = 0; i < inspection->count; i++)
        finding_release(&inspection->list[i].finding);
    free(inspection->list);
    assignments_release(&inspection->choices);
    facts_release(&inspection->facts);
    availability_release(&inspection->availability);
}

static void run_checks(struct inspection *inspection)
{
    for (size_t i = 0; i < preflight_row_count; i++) {
        inspection->row = &preflight_rows[i];
        inspection->row->run(inspection);
    }
}

/* The worst first, otherwise in the table's order. */
static json_t *checks_to_json(const struct inspection *inspection)
{
    json_t *list = json_array();

    for (int severity = SEVERITY_ERROR; severity >= SEVERITY_OK; severity--)
        for (size_t i = 0; i < inspection->count; i++)
            if ((int)inspection->list[i].finding.severity == severity)
                json_array_append_new(list,
                                      finding_to_json(inspection->list[i].id, &inspection->list[i].finding));
    return list;
}

static json_t *device_to_json(const struct inspection *inspection, const struct place *place)
{
    const struct assignment *choice = place->choice;
    json_t *chosen = json_array();
    json_t *device = json_pack("{s:s, s:o, s:o}", "key", place->key, "chosen", chosen, "detaches",
                               preflight_detaches(inspection, choice));

    for (char **id = choice->ids; choice->assigned && *id != NULL; id++)
        json_array_append_new(chosen, json_string(*id));
    if (choice->hostpci.mapping != NULL)
        json_object_set_new(device, "mapping", json_string(choice->hostpci.mapping));
    if (choice->hostpci.mdev != NULL)
        json_object_set_new(device, "mdev", json_string(choice->hostpci.mdev));
    if (json_array_size(choice->passed_over) > 0)
        json_object_set(device, "refused", choice->passed_over);
    return device;
}

static json_t *devices_to_json(const struct inspection *inspection)
{
    json_t *list = json_array();
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);)
        json_array_append_new(list, device_to_json(inspection, &place));
    return list;
}

/* How many functions the host loses for all devices together. */
static size_t count_lost(const json_t *devices)
{
    autojson json_t *lost = json_object();
    const json_t *device, *row;
    size_t i, j;

    json_array_foreach(devices, i, device)
        json_array_foreach(json_object_get(device, "detaches"), j, row)
            json_object_set_new(lost, json_string_value(json_object_get(row, "id")), json_true());
    return json_object_size(lost);
}

static char *summarize(const struct inspection *inspection, const json_t *devices, size_t errors)
{
    struct text summary = {0};
    const struct finding *first = NULL;

    for (size_t i = inspection->count; i-- > 0;)
        if (inspection->list[i].finding.severity == SEVERITY_ERROR)
            first = &inspection->list[i].finding;
    if (first == NULL) {
        size_t lost = count_lost(devices);
        text_append(&summary, "It can be started");
        if (lost > 0)
            text_printf(&summary, ", and the host loses %zu function%s for it", lost, lost == 1 ? "" : "s");
        text_append(&summary, ".");
    } else {
        text_printf(&summary, "It would not start: %s", text_string(&first->message));
        if (errors > 1)
            text_printf(&summary, " (and %zu more)", errors - 1);
    }
    return text_take(&summary);
}

static json_t *reply(const struct inspection *inspection)
{
    size_t errors = 0;
    json_t *devices = devices_to_json(inspection);

    for (size_t i = 0; i < inspection->count; i++)
        errors += inspection->list[i].finding.severity == SEVERITY_ERROR;
    autofree char *summary = summarize(inspection, devices, errors);
    return json_pack("{s:i, s:s, s:o, s:o}", "startable", errors == 0, "summary", summary, "devices", devices,
                     "checks", checks_to_json(inspection));
}

int preflight_run(const struct preflight *preflight, json_t **ret, struct error *err)
{
    __attribute__((cleanup(release))) struct inspection inspection = {.what = preflight};

    facts_read(preflight->sysroot, &inspection.facts);
    if (prepare(&inspection, err) != 0)
        return -1;
    run_checks(&inspection);
    *ret = reply(&inspection);
    return 0;
}
