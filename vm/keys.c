/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a VM's configuration. */
#include "vm/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/validate.h"

#define RANGES "\\d+(?:-\\d+)?(?:;\\d+(?:-\\d+)?)*"

/* Shorthands for the rows below. */
#define TEXT(key, ...)    {.name = (key), .type = SCHEMA_STRING, .optional = true, __VA_ARGS__}
#define NUMBER(key, ...)  {.name = (key), .type = SCHEMA_NUMBER, .optional = true, __VA_ARGS__}
#define INTEGER(key, ...) {.name = (key), .type = SCHEMA_INTEGER, .optional = true, __VA_ARGS__}
#define FLAG(key, ...)    {.name = (key), .type = SCHEMA_BOOLEAN, .optional = true, __VA_ARGS__}
#define SAME(key, other)  {.name = (key), .type = SCHEMA_STRING, .optional = true, .alias = (other)}
#define END               {.name = NULL}

#define DISK_FORMAT(...)  TEXT("format", .values = VALUES(__VA_ARGS__))
#define DISK_FILE                                                                                            \
    {.name = "file", .type = SCHEMA_STRING, .format = "pve-volume-id-or-qm-path"}, SAME("volume", "file")
#define DISK_SIZE   TEXT("size", .format = "disk-size")
#define DISK_IMPORT TEXT("import-from", .format = "pve-volume-id-or-absolute-path")
#define ALL_FORMATS DISK_FORMAT("raw", "qcow", "qed", "qcow2", "vmdk", "cloop")

#define LENGTH(key) INTEGER(key, .range = AT_LEAST(1))
#define THROTTLES                                                                                            \
    NUMBER("mbps"), NUMBER("mbps_rd"), NUMBER("mbps_wr"), NUMBER("mbps_max"), NUMBER("mbps_rd_max"),         \
        NUMBER("mbps_wr_max"), INTEGER("bps"), INTEGER("bps_rd"), INTEGER("bps_wr"), INTEGER("iops"),        \
        INTEGER("iops_rd"), INTEGER("iops_wr"), INTEGER("iops_max"), INTEGER("iops_rd_max"),                 \
        INTEGER("iops_wr_max"), LENGTH("bps_max_length"), LENGTH("bps_rd_max_length"),                       \
        LENGTH("bps_wr_max_length"), LENGTH("iops_max_length"), LENGTH("iops_rd_max_length"),                \
        LENGTH("iops_wr_max_length"), SAME("bps_rd_length", "bps_rd_max_length"),                            \
        SAME("bps_wr_length", "bps_wr_max_length"), SAME("iops_rd_length", "iops_rd_max_length"),            \
        SAME("iops_wr_length", "iops_wr_max_length")
#define DRIVE                                                                                                \
    DISK_FILE, ALL_FORMATS, DISK_SIZE, DISK_IMPORT,                                                          \
        TEXT("media", .values = VALUES("cdrom", "disk"), .fallback = "disk"),                                \
        TEXT("cache", .values = VALUES("none", "writethrough", "writeback", "unsafe", "directsync")),        \
        TEXT("aio", .values = VALUES("native", "threads", "io_uring")),                                      \
        TEXT("discard", .values = VALUES("ignore", "on")), FLAG("detect_zeroes"), FLAG("backup"),            \
        FLAG("snapshot"), FLAG("replicate", .fallback = "1"), FLAG("shared", .fallback = "0"),               \
        TEXT("rerror", .values = VALUES("ignore", "report", "stop")),                                        \
        TEXT("werror", .values = VALUES("enospc", "ignore", "report", "stop")),                              \
        TEXT("serial", .format = "urlencoded", .max_length = 60), THROTTLES
#define WWN TEXT("wwn", .pattern = "0x[0-9a-fA-F]{16}")

/* virtio=MAC sets the model and the address at once. */
#define MODEL(key)                                                                                           \
    {.name = (key), .type = SCHEMA_STRING, .optional = true, .alias = "macaddr", .key_alias = "model"}
#define MODELS                                                                                               \
    "e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er",   \
        "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3"
#define ID_OVERRIDE(key) TEXT(key, .pattern = "0x[0-9a-fA-F]{4}")

static const struct schema hostpci_keys[] = {
    TEXT("host", .format = "pve-pci-hosts",
         .text =
             "The device, [DOMAIN:]BUS:DEVICE[.FUNCTION]; without a function all of them; several with ';'."),
    TEXT("mapping", .format = "pve-configid", .text = "A resource mapping, instead of host."),
    FLAG("rombar", .fallback = "1", .text = "Whether the guest sees the device's ROM."),
    FLAG("pcie", .fallback = "0", .text = "On a PCIe port (needs q35) instead of in a PCI slot."),
    FLAG("x-vga", .fallback = "0", .text = "It is the guest's primary display; vga is ignored."),
    FLAG("legacy-igd", .fallback = "0", .text = "Intel's graphics at its usual address 02.0 (needs i440fx)."),
    TEXT("romfile", .pattern = "[^,;]+",
         .text = "A file in the ROM folder that the guest sees as the device's ROM."),
    TEXT("mdev", .pattern = "[^/.:]+", .text = "The type of a mediated device to make for the VM."),
    ID_OVERRIDE("vendor-id"),
    ID_OVERRIDE("device-id"),
    ID_OVERRIDE("sub-vendor-id"),
    ID_OVERRIDE("sub-device-id"),
    TEXT("driver", .values = VALUES("vfio", "keep"), .fallback = "vfio",
         .text = "keep: neither reset nor bound to vfio-pci."),
    FLAG("reattach", .fallback = "0",
         .text = "When the VM stops, give the functions back to the drivers that they had."),
    END};

static const struct schema machine_keys[] = {
    TEXT("type", .max_length = 40,
         .pattern =
             "(?:pc|pc(?:-i440fx)?-\\d+(?:\\.\\d+)+(?:\\+pve\\d+)?(?:\\.pxe)?|q35|pc-q35-\\d+(?:\\.\\d+)+"
             "(?:\\+pve\\d+)?(?:\\.pxe)?|virt(?:-\\d+(?:\\.\\d+)+)?(?:\\+pve\\d+)?)"),
    TEXT("viommu", .values = VALUES("intel", "virtio")),
    NUMBER("aw-bits", .range = RANGE(32, 64)),
    FLAG("enable-s3"),
    FLAG("enable-s4"),
    END};

static const struct schema net_keys[] = {{.name = "model", .type = SCHEMA_STRING, .values = VALUES(MODELS)},
                                         TEXT("macaddr", .format = "mac-addr"),
                                         MODEL("e1000"),
                                         MODEL("e1000-82540em"),
                                         MODEL("e1000-82544gc"),
                                         MODEL("e1000-82545em"),
                                         MODEL("e1000e"),
                                         MODEL("i82551"),
                                         MODEL("i82557b"),
                                         MODEL("i82559er"),
                                         MODEL("ne2k_isa"),
                                         MODEL("ne2k_pci"),
                                         MODEL("pcnet"),
                                         MODEL("rtl8139"),
                                         MODEL("virtio"),
                                         MODEL("vmxnet3"),
                                         TEXT("bridge", .format = "pve-bridge-id"),
                                         INTEGER("queues", .range = RANGE(0, 64)),
                                         NUMBER("rate", .range = AT_LEAST(0)),
                                         INTEGER("tag", .range = RANGE(1, 4094)),
                                         TEXT("trunks", .pattern = RANGES),
                                         FLAG("firewall"),
                                         FLAG("link_down"),
                                         INTEGER("mtu", .range = RANGE(1, 65520)),
                                         FLAG("host-tunnel"),
                                         END};

static const struct schema ide_keys[] = {DRIVE, TEXT("model", .format = "urlencoded", .max_length = 120),
                                         FLAG("ssd"), WWN, END};
static const struct schema sata_keys[] = {DRIVE, FLAG("ssd"), WWN, END};
static const struct schema scsi_keys[] = {DRIVE,
                                          FLAG("iothread"),
                                          FLAG("ro"),
                                          FLAG("ssd"),
                                          FLAG("scsiblock", .fallback = "0"),
                                          INTEGER("queues", .range = AT_LEAST(2)),
                                          TEXT("product", .pattern = "[A-Za-z0-9\\-_\\s]{0,16}"),
                                          TEXT("vendor", .pattern = "[A-Za-z0-9\\-_\\s]{0,8}"),
                                          WWN,
                                          END};
static const struct schema virtio_keys[] = {DRIVE, FLAG("iothread"), FLAG("ro"), END};
static const struct schema efidisk_keys[] = {
    DISK_FILE,
    ALL_FORMATS,
    DISK_SIZE,
    DISK_IMPORT,
    TEXT("efitype", .values = VALUES("2m", "4m"), .fallback = "2m"),
    FLAG("pre-enrolled-keys", .fallback = "0"),
    TEXT("ms-cert", .values = VALUES("2011", "2023", "2023w", "2023k"), .fallback = "2011"),
    END};

static const struct schema cpu_keys[] = {
    TEXT("cputype", .format = "pve-cpu-model"),           FLAG("hidden", .fallback = "0"),
    TEXT("hv-vendor-id", .pattern = "[A-Za-z0-9]{1,12}"), TEXT("flags", .format = "pve-cpu-flags"),
    TEXT("phys-bits", .format = "pve-phys-bits"),         INTEGER("guest-phys-bits", .range = RANGE(32, 64)),
    INTEGER("level", .range = RANGE(0, 4294967295.0)),    END};

static const struct schema vga_keys[] = {
    TEXT("type", .fallback = "std",
         .values = VALUES("cirrus", "qxl", "qxl2", "qxl3", "qxl4", "none", "serial0", "serial1", "serial2",
                          "serial3", "std", "virtio", "virtio-gl", "vmware")),
    INTEGER("memory", .range = RANGE(4, 512)), TEXT("clipboard", .values = VALUES("vnc")), END};

static const struct schema agent_keys[] = {
    {.name = "enabled", .type = SCHEMA_BOOLEAN, .fallback = "0"},
    FLAG("fstrim_cloned_disks", .fallback = "0"),
    FLAG("freeze-fs", .fallback = "1"),
    SAME("guest-fsfreeze", "freeze-fs"),
    SAME("freeze-fs-on-backup", "freeze-fs"),
    TEXT("type", .values = VALUES("virtio", "isa"), .fallback = "virtio"),
    END};

#define BASE64 "[A-Za-z0-9+/]+={0,2}"
static const struct schema smbios_keys[] = {
    TEXT("uuid", .pattern = "[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"),
    TEXT("version", .pattern = BASE64),
    TEXT("serial", .pattern = BASE64),
    TEXT("manufacturer", .pattern = BASE64),
    TEXT("product", .pattern = BASE64),
    TEXT("sku", .pattern = BASE64),
    TEXT("family", .pattern = BASE64),
    FLAG("base64"),
    END};

static const struct schema rng_keys[] = {
    {.name = "source", .type = SCHEMA_STRING, .values = VALUES("/dev/urandom", "/dev/random", "/dev/hwrng")},
    INTEGER("max_bytes", .fallback = "1024"),
    INTEGER("period", .fallback = "1000"),
    END};

static const struct schema usb_keys[] = {
    TEXT("host",
         .pattern =
             "(?:(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4}|\\d+-\\d+(?:\\.\\d+)*|[Ss][Pp][Ii][Cc][Ee])"),
    TEXT("mapping", .format = "pve-configid"), FLAG("usb3", .fallback = "0"), END};

static const struct schema numa_keys[] = {{.name = "cpus", .type = SCHEMA_STRING, .pattern = RANGES},
                                          TEXT("hostnodes", .pattern = RANGES),
                                          NUMBER("memory"),
                                          TEXT("policy", .values = VALUES("preferred", "bind", "interleave")),
                                          END};

static const struct schema memory_keys[] = {
    {.name = "current", .type = SCHEMA_INTEGER, .range = AT_LEAST(16), .fallback = "512"}, END};

static const struct schema watchdog_keys[] = {
    TEXT("model", .values = VALUES("i6300esb", "ib700"), .fallback = "i6300esb"),
    TEXT("action", .values = VALUES("reset", "shutdown", "poweroff", "pause", "debug", "none")), END};

static const struct schema boot_keys[] = {TEXT("legacy", .pattern = "[acdn]{1,4}", .fallback = "cdn"),
                                          TEXT("order", .format = "pve-qm-bootdev-list"), END};

static const struct schema audio_keys[] = {
    {.name = "device", .type = SCHEMA_STRING, .values = VALUES("ich9-intel-hda", "intel-hda", "AC97")},
    TEXT("driver", .values = VALUES("spice", "none"), .fallback = "spice"),
    END};

static const struct schema ivshmem_keys[] = {{.name = "size", .type = SCHEMA_INTEGER, .range = AT_LEAST(1)},
                                             TEXT("name", .pattern = "[a-zA-Z0-9-]+"),
                                             END};

static const struct schema tpm_keys[] = {
    DISK_FILE,
    DISK_FORMAT("raw", "qcow2", "vmdk"),
    DISK_SIZE,
    DISK_IMPORT,
    TEXT("version", .values = VALUES("v1.2", "v2.0"), .fallback = "v1.2"),
    END};

static const struct schema virtiofs_keys[] = {
    {.name = "dirid", .type = SCHEMA_STRING, .format = "pve-configid"},
    TEXT("cache", .values = VALUES("auto", "always", "metadata", "never"), .fallback = "auto"),
    FLAG("direct-io", .fallback = "0"),
    FLAG("expose-acl", .fallback = "0"),
    FLAG("expose-xattr", .fallback = "0"),
    END};

static const struct schema spice_keys[] = {
    FLAG("foldersharing", .fallback = "0"),
    TEXT("videostreaming", .values = VALUES("off", "all", "filter"), .fallback = "off"), END};

static const struct schema unused_keys[] = {
    {.name = "file", .type = SCHEMA_STRING, .format = "pve-volume-id"}, SAME("volume", "file"), END};

const struct schema vm_meta_keys[] = {
    TEXT("creation-qemu", .pattern = "\\d+(?:\\.\\d+){1,3}",
         .text = "The version of QEMU that it was created with."),
    INTEGER("ctime", .range = AT_LEAST(0), .text = "When it was created, in seconds since 1970."), END};

#define HAS(keys, default_name) .property_string = (keys), .default_key = (default_name)
#define ABOUT(kind, privilege, effect)                                                                       \
    .about = (&(const struct vm_key){VM_KIND_##kind, VM_PRIVILEGE_##privilege, VM_EFFECT_##effect})
#define PLAIN(privilege)    ABOUT(PLAIN, privilege, START)
#define IS(kind, privilege) ABOUT(kind, privilege, START)

const struct schema vm_keys[] = {
    TEXT("name", ABOUT(PLAIN, OPTIONS, NOW), .format = "dns-name", .text = "The VM's name."),
    TEXT("description", ABOUT(PLAIN, OPTIONS, NOW), .max_length = 8192, .text = "Notes."),
    TEXT("tags", ABOUT(TAGS, OPTIONS, NOW), .format = "pve-tag-list", .text = "Words by which to find it."),
    FLAG("onboot", ABOUT(PLAIN, OPTIONS, NOW), .fallback = "0", .text = "Start it with the host."),
    TEXT("startup", ABOUT(STARTUP, OPTIONS, NOW), .format = "pve-startup-order",
         .text = "[order=]N: rank among the VMs; up=N: seconds to wait after its start; down=N: seconds for "
                 "its shutdown."),
    FLAG("protection", ABOUT(PLAIN, OPTIONS, NOW), .fallback = "0",
         .text = "Neither it nor its disks can be removed."),
    TEXT("lock", ABOUT(PLAIN, ROOT, NOW), .text = "Why changes are refused, such as backup or migrate.",
         .values = VALUES("backup", "clone", "create", "migrate", "rollback", "snapshot", "snapshot-delete",
                          "suspending", "suspended")),
    TEXT("ostype", PLAIN(OPTIONS), .fallback = "other", .text = "The guest's operating system.",
         .values = VALUES("other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11",
                          "l24", "l26", "solaris")),
    TEXT("bios", PLAIN(OPTIONS), .values = VALUES("seabios", "ovmf"), .fallback = "seabios",
         .text = "The guest's firmware."),
    TEXT("machine", PLAIN(HARDWARE), HAS(machine_keys, "type"), .text = "The chipset, and its vIOMMU."),
    TEXT("arch", PLAIN(ROOT), .values = VALUES("x86_64", "aarch64"), .text = "The guest's processor."),
    INTEGER("cores", PLAIN(CPU), .range = AT_LEAST(1), .fallback = "1", .text = "Cores of each socket."),
    INTEGER("sockets", PLAIN(CPU), .range = AT_LEAST(1), .fallback = "1", .text = "Processor sockets."),
    INTEGER("vcpus", PLAIN(CPU), .range = AT_LEAST(1), .text = "Number of processors at the start."),
    TEXT("cpu", PLAIN(CPU), HAS(cpu_keys, "cputype"), .text = "The processor that the guest sees."),
    NUMBER("cpulimit", PLAIN(CPU), .range = RANGE(0, 128), .fallback = "0",
           .text = "The most processor time, as a number of processors."),
    INTEGER("cpuunits", PLAIN(CPU), .range = RANGE(1, 262144), .text = "Weight among other VMs."),
    TEXT("affinity", PLAIN(ROOT), .format = "pve-cpuset", .text = "The host's processors that it may use."),
    TEXT("memory", PLAIN(MEMORY), HAS(memory_keys, "current"), .text = "MiB of memory."),
    INTEGER("balloon", PLAIN(MEMORY), .range = AT_LEAST(0),
            .text = "The least memory that it keeps, in MiB; 0: no balloon."),
    FLAG("numa", PLAIN(CPU), .fallback = "0", .text = "Show the guest NUMA nodes, one per socket."),
    TEXT("numa[n]", IS(PLAIN, CPU), HAS(numa_keys, NULL), .count = VM_NUMAS, .text = "A NUMA node."),
    TEXT("hugepages", PLAIN(ROOT), .values = VALUES("any", "2", "1024"),
         .text = "Size of huge pages in MiB."),
    FLAG("kvm", PLAIN(HARDWARE), .fallback = "1", .text = "Hardware virtualization."),
    FLAG("acpi", PLAIN(HARDWARE), .fallback = "1", .text = "ACPI."),
    FLAG("tablet", PLAIN(HARDWARE), .fallback = "1", .text = "A pointing device with absolute coordinates."),
    TEXT("hotplug", PLAIN(HARDWARE), .format = "pve-hotplug-feature-list", .fallback = "network,disk,usb",
         .text = "What can be plugged in while it runs; pci, which is ours, gives each hostpciN a port."),
    TEXT("vga", PLAIN(HARDWARE), HAS(vga_keys, "type"), .text = "The display."),
    TEXT("scsihw", PLAIN(HARDWARE), .fallback = "lsi", .text = "The SCSI controller.",
         .values = VALUES("lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi")),
    TEXT("smbios1", PLAIN(HARDWARE), HAS(smbios_keys, NULL), .max_length = 512, .text = "SMBIOS type 1."),
    TEXT("rng0", IS(RNG, HARDWARE), HAS(rng_keys, "source"), .text = "A source of randomness."),
    TEXT("watchdog", PLAIN(HARDWARE), HAS(watchdog_keys, "model"), .text = "A watchdog."),
    TEXT("vmgenid", PLAIN(ROOT), .pattern = "(?:[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[01])",
         .text = "Generation id: 1 makes a new one, 0 none."),
    TEXT("agent", PLAIN(OPTIONS), HAS(agent_keys, "enabled"), .text = "The guest agent's channel."),
    FLAG("localtime", PLAIN(OPTIONS), .text = "The clock shows local time."),
    FLAG("tdf", PLAIN(OPTIONS), .fallback = "0", .text = "Correct the drift of the guest's clock."),
    TEXT("boot", IS(BOOT, DISK), HAS(boot_keys, "legacy"), .text = "order=DEVICE;DEVICE..."),
    TEXT("bootdisk", PLAIN(DISK), .pattern = "(?:ide|sata|scsi|virtio)\\d+",
         .text = "Obsolete: use order= of boot."),
    TEXT("cdrom", PLAIN(CDROM), .text = "The same as ide2."),
    TEXT("hostpci[n]", IS(HOSTPCI, HARDWARE), HAS(hostpci_keys, "host"), .count = VM_HOSTPCI,
         .text = "A device of the host."),
    TEXT("net[n]", IS(NET, NETWORK), HAS(net_keys, "model"), .count = VM_NETS, .text = "A network card."),
    TEXT("usb[n]", IS(USB, HARDWARE), HAS(usb_keys, "host"), .count = VM_USBS,
         .text = "A USB device of the host."),
    TEXT("serial[n]", IS(SERIAL, HARDWARE), .pattern = "/dev/.+|socket", .count = VM_SERIALS,
         .text = "A serial port."),
    TEXT("ide[n]", IS(DISK, DISK), HAS(ide_keys, "file"), .count = VM_IDES, .text = "A disk or CD-ROM."),
    TEXT("sata[n]", IS(DISK, DISK), HAS(sata_keys, "file"), .count = VM_SATAS, .text = "A disk or CD-ROM."),
    TEXT("scsi[n]", IS(DISK, DISK), HAS(scsi_keys, "file"), .count = VM_SCSIS, .text = "A disk or CD-ROM."),
    TEXT("virtio[n]", IS(DISK, DISK), HAS(virtio_keys, "file"), .count = VM_VIRTIOS, .text = "A disk."),
    TEXT("efidisk0", IS(EFIDISK, DISK), HAS(efidisk_keys, "file"),
         .text = "A disk for the UEFI firmware's variables."),
    TEXT("args", PLAIN(ROOT), .text = "More arguments for QEMU, split as a shell splits them."),
    TEXT("audio0", ABOUT(PLAIN, HARDWARE, NEVER), HAS(audio_keys, NULL), .text = "A sound card."),
    TEXT("ivshmem", ABOUT(PLAIN, ROOT, NEVER), HAS(ivshmem_keys, NULL), .text = "Memory shared between VMs."),
    TEXT("tpmstate0", IS(VOLUME, DISK), HAS(tpm_keys, "file"),
         .text = "A TPM, and the volume for its state; it takes the package swtpm."),
    TEXT("virtiofs[n]", ABOUT(PLAIN, OPTIONS, NEVER), HAS(virtiofs_keys, "dirid"), .count = VM_VIRTIOFS,
         .text = "A folder of the host."),
    TEXT("parallel[n]", ABOUT(PLAIN, ROOT, NEVER), .pattern = "/dev/parport\\d+|/dev/usb/lp\\d+",
         .count = VM_PARALLELS, .text = "A parallel port."),
    TEXT("amd-sev", ABOUT(PLAIN, ROOT, NEVER), .max_length = 512, .text = "AMD's memory encryption."),
    TEXT("intel-tdx", ABOUT(PLAIN, ROOT, NEVER), .max_length = 512, .text = "Intel's trust domains."),
    /* kept although the command line does not depend on them */
    TEXT("unused[n]", IS(VOLUME, DISK), HAS(unused_keys, "file"), .count = VM_UNUSEDS,
         .text = "A disk that the VM has, but does not use."),
    FLAG("allow-ksm", PLAIN(MEMORY), .fallback = "1", .text = "Memory may be merged with other VMs'."),
    FLAG("autostart", PLAIN(OPTIONS), .fallback = "0", .text = "Ignored."),
    FLAG("freeze", PLAIN(OPTIONS), .text = "Halt the processors at the first instruction."),
    FLAG("keephugepages", PLAIN(ROOT), .fallback = "0", .text = "Huge pages stay when the VM stops."),
    FLAG("reboot", PLAIN(OPTIONS), .fallback = "1", .text = "0: the VM ends when the guest reboots."),
    FLAG("template", PLAIN(OPTIONS), .fallback = "0", .text = "Whether it is a template for other VMs."),
    TEXT("hookscript", PLAIN(ROOT), .format = "pve-volume-id",
         .text = "A script that runs when it starts and stops."),
    TEXT("keyboard", PLAIN(OPTIONS), .text = "Keyboard layout of the console.",
         .values =
             VALUES("de", "de-ch", "da", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu",
                    "is", "it", "ja", "lt", "mk", "nl", "no", "pl", "pt", "pt-br", "sv", "sl", "tr")),
    NUMBER("migrate_downtime", PLAIN(OPTIONS), .range = AT_LEAST(0), .fallback = "0.1", .text = "Seconds."),
    INTEGER("migrate_speed", PLAIN(OPTIONS), .range = AT_LEAST(0), .fallback = "0", .text = "MB/s."),
    INTEGER("shares", PLAIN(MEMORY), .range = RANGE(0, 50000), .fallback = "1000",
            .text = "Weight when memory is taken back."),
    INTEGER("smp", PLAIN(CPU), .range = AT_LEAST(1), .fallback = "1",
            .text = "Obsolete: use sockets and cores."),
    TEXT("spice_enhancements", PLAIN(OPTIONS), HAS(spice_keys, NULL), .text = "Settings of a SPICE console."),
    TEXT("startdate", PLAIN(OPTIONS), .fallback = "now", .text = "The clock's time at the start.",
         .pattern = "now|\\d{4}-\\d{1,2}-\\d{1,2}(?:T\\d{1,2}:\\d{1,2}:\\d{1,2})?"),
    TEXT("vmstatestorage", PLAIN(OPTIONS), .max_length = 100,
         .text = "The storage for a suspended VM's memory."),
    TEXT("citype", PLAIN(CLOUDINIT), .values = VALUES("configdrive2", "nocloud", "opennebula"),
         .text = "Cloud-init's form."),
    TEXT("cicustom", PLAIN(CLOUDINIT), .max_length = 4096, .text = "Cloud-init's own files."),
    TEXT("ciuser", PLAIN(CLOUDINIT), .max_length = 256, .text = "Cloud-init's user."),
    TEXT("cipassword", IS(SECRET, CLOUDINIT), .max_length = 1024, .text = "Cloud-init's password."),
    FLAG("ciupgrade", PLAIN(CLOUDINIT), .fallback = "1", .text = "Whether cloud-init upgrades packages."),
    TEXT("ipconfig[n]", PLAIN(CLOUDINIT), .count = VM_IPCONFIG, .max_length = 1024, .text = "Addresses."),
    TEXT("nameserver", PLAIN(CLOUDINIT), .max_length = 1024, .text = "DNS servers."),
    TEXT("searchdomain", PLAIN(CLOUDINIT), .max_length = 1024, .text = "DNS domains."),
    TEXT("sshkeys", PLAIN(CLOUDINIT), .format = "urlencoded", .text = "Public keys."), END};

/* Whether "hostpci3" is one of "hostpci[n]", and its index. An index has no leading zero. */
static bool match_index(const struct schema *schema, const char *name, int *ret)
{
    size_t stem = strcspn(schema->name, "[");
    unsigned long long index;

    if (strncmp(name, schema->name, stem) != 0 || (name[stem] == '0' && name[stem + 1] != '\0') ||
        schema->count == 0 || !text_to_number(name + stem, 10, schema->count - 1, &index))
        return false;
    *ret = (int)index;
    return true;
}

const struct schema *vm_key_find(const char *name, int *ret_index)
{
    int index = -1;

    SCHEMA_FOREACH(schema, vm_keys) {
        if (schema->name[0] !=
            name[0]) /* a quick check, since building a command line looks up hundreds of keys */
            continue;
        if (schema->count == 0 ? strcmp(schema->name, name) != 0 : !match_index(schema, name, &index))
            continue;
        if (ret_index != NULL)
            *ret_index = index;
        return schema;
    }
    return NULL;
}

struct vm_key_name vm_key_name(const char *stem, unsigned index)
{
    struct vm_key_name name;

    snprintf(name.text, sizeof(name.text), "%s%u", stem, index);
    return name;
}

bool vm_key_has_stem(const char *name, const char *stem)
{
    size_t length = strlen(stem);

    return strncmp(name, stem, length) == 0 && name[length + strspn(name + length, "0123456789")] == '\0';
}

bool vm_key_names_volume(const struct schema *key)
{
    return key->property_string != NULL && schema_find(key->property_string, "file") != NULL;
}

const struct vm_key *vm_key_about(const struct schema *key)
{
    return key->about;
}
