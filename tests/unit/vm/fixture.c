/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines to compare. */
#include "tests/unit/vm/fixture.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "vm/hostpci.h"

static const struct vm_paths paths = {.qemu = "/usr/bin/qemu-system-x86_64",
                                      .run = "/run/hostpci/vm",
                                      .rom = "/usr/share/kvm",
                                      .ovmf = "/usr/share/OVMF",
                                      .store = "/var/lib/hostpci-storage"};

char **vm_golden_names(void)
{
    glob_t found;
    size_t skip = strlen(VM_GOLDENS "/");

    cr_assert_eq(glob(VM_GOLDENS "/*.conf", 0, NULL, &found), 0, "no goldens in " VM_GOLDENS);
    char **names = xcalloc(found.gl_pathc + 1, sizeof(*names));
    for (size_t i = 0; i < found.gl_pathc; i++)
        names[i] = xstrndup(found.gl_pathv[i] + skip, strlen(found.gl_pathv[i]) - skip - strlen(".conf"));
    globfree(&found);
    return names;
}

char *vm_golden_read(const char *name, const char *ending)
{
    autofree char *path = xasprintf(VM_GOLDENS "/%s.%s", name, ending);
    struct error err;
    char *text;

    cr_assert_eq(file_read(path, 65536, &text, NULL, &err), 0, "%s", err.message);
    return text;
}

static const char *const machine_stems[] = {"pc", "q35"};
static const char *const machine_versions[] = {"5.2", "6.0", "7.0",  "7.1",  "7.2", "8.2",
                                               "9.1", "9.2", "10.0", "10.1", "11.0"};
static const char *const cpus[] = {"qemu64",    "kvm64",      "kvm32",          "host",           "max",
                                   "EPYC-Rome", "Opteron_G5", "Icelake-Server", "Skylake-Server", "Broadwell",
                                   "pentium3",  "486"};
static const char *const devices[] = {"vfio-pci",
                                      "VGA",
                                      "cirrus-vga",
                                      "vmware-svga",
                                      "virtio-vga",
                                      "virtio-vga-gl",
                                      "qxl",
                                      "qxl-vga",
                                      "virtio-serial-pci",
                                      "virtserialport",
                                      "isa-serial",
                                      "tpm-tis",
                                      "virtio-rng-pci",
                                      "virtio-balloon-pci",
                                      "i6300esb",
                                      "ib700",
                                      "usb-tablet",
                                      "usb-host",
                                      "qemu-xhci",
                                      "nec-usb-xhci",
                                      "ich9-usb-ehci1",
                                      "ich9-usb-ehci2",
                                      "ich9-usb-uhci1",
                                      "ich9-usb-uhci2",
                                      "ich9-usb-uhci3",
                                      "ich9-usb-uhci4",
                                      "ich9-usb-uhci5",
                                      "ich9-usb-uhci6",
                                      "piix3-usb-uhci",
                                      "pcie-root-port",
                                      "i82801b11-bridge",
                                      "pci-bridge",
                                      "intel-iommu",
                                      "virtio-iommu-pci",
                                      "vmgenid",
                                      "pc-dimm",
                                      "qemu64-x86_64-cpu",
                                      "kvm64-x86_64-cpu",
                                      "EPYC-Rome-x86_64-cpu",
                                      "virtio-blk-pci",
                                      "virtio-scsi-pci",
                                      "lsi53c895a",
                                      "lsi53c810",
                                      "megasas",
                                      "pvscsi",
                                      "ich9-ahci",
                                      "ide-hd",
                                      "ide-cd",
                                      "scsi-hd",
                                      "scsi-cd",
                                      "scsi-block",
                                      "virtio-net-pci",
                                      "e1000",
                                      "e1000e",
                                      "e1000-82544gc",
                                      "e1000-82545em",
                                      "i82551",
                                      "i82557b",
                                      "i82559er",
                                      "ne2k_isa",
                                      "ne2k_pci",
                                      "pcnet",
                                      "rtl8139",
                                      "vmxnet3"};

/* What a version brought, of the properties that are asked for. */
static const struct property {
    const char *driver, *name;
    unsigned from, before; /* major times 100 plus minor; before 0: it is still there */
} properties[] = {{"vfio-pci", "x-enable-migration", 402, 801},
                  {"vfio-pci", "enable-migration", 801, 0},
                  {"virtio-iommu-pci", "aw-bits", 901, 0},
                  {"intel-iommu", "aw-bits", 211, 0},
                  {"qemu64-x86_64-cpu", "guest-phys-bits", 901, 0}};

static void add_answer(struct text *text, const char *id, json_t *names)
{
    autojson json_t *line = json_pack("{s:o, s:s}", "return", names, "id", id);
    autofree char *string = json_dumps(line, JSON_COMPACT);

    text_printf(text, "%s\r\n", string);
}

static json_t *names_of(const char *const *list, size_t count)
{
    json_t *names = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_pack("{s:s}", "name", list[i]));
    return names;
}

static unsigned code_of(const char *version)
{
    unsigned major = 0, minor = 0;

    sscanf(version, "%u.%u", &major, &minor);
    return major * 100 + minor;
}

static void add_machines(struct text *text, const char *version)
{
    json_t *machines = json_array();

    for (size_t i = 0; i < COUNT_OF(machine_versions); i++)
        if (code_of(machine_versions[i]) <= code_of(version)) {
            json_array_append_new(machines, json_pack("{s:s+}", "name", "pc-i440fx-", machine_versions[i]));
            json_array_append_new(machines, json_pack("{s:s+}", "name", "pc-q35-", machine_versions[i]));
        }
    for (size_t i = 0; i < COUNT_OF(machine_stems); i++)
        json_array_append_new(machines, json_pack("{s:s, s:s}", "name", "newest", "alias", machine_stems[i]));
    add_answer(text, "machines", machines);
}

static void add_properties(struct text *text, const char *version)
{
    for (size_t i = 0; i < COUNT_OF(properties); i++) {
        const struct property *property = &properties[i];
        unsigned code = code_of(version);
        if (code >= property->from && (property->before == 0 || code < property->before))
            add_answer(text, property->driver, names_of(&property->name, 1));
    }
}

char *vm_fake_answers(const char *version)
{
    struct text text = {0};

    text_append(&text, "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n{\"return\": {}}\r\n");
    text_printf(&text,
                "{\"return\":{\"qemu\":{\"major\":%u,\"minor\":%u,\"micro\":0},\"package\":\"\"},\"id\":"
                "\"version\"}\r\n",
                code_of(version) / 100, code_of(version) % 100);
    add_machines(&text, version);
    add_answer(&text, "cpus", names_of(cpus, COUNT_OF(cpus)));
    add_answer(&text, "devices", names_of(devices, COUNT_OF(devices)));
    add_properties(&text, version);
    return text_take(&text);
}

struct vm_features *vm_fake_qemu(const char *version)
{
    autofree char *answers = vm_fake_answers(version);
    struct vm_features *qemu;
    struct error err;

    cr_assert_eq(vm_features_parse(answers, strlen(answers), &qemu, &err), 0, "%s", err.message);
    return qemu;
}

static void read_chosen(struct vm_case *ret, unsigned index, const char *ids)
{
    ret->ids[index] = format_split_list(ids);
    ret->assigned[index].ids = (const char *const *)ret->ids[index];
    while (ret->ids[index][ret->assigned[index].count] != NULL)
        ret->assigned[index].count++;
}

/* "# chosen 0 0000:01:00.0": other lines with # are remarks. */
static void read_directive(struct vm_case *ret, const char *line)
{
    char word[32] = "", value[256] = "";
    unsigned index = 0;

    if (sscanf(line, "# qemu %31s", word) == 1) {
        vm_features_free(ret->qemu);
        ret->qemu = vm_fake_qemu(word);
    } else if (sscanf(line, "# cpu-vendor %31s", word) == 1) {
        memcpy(ret->cpu_vendor, word, sizeof(word));
    } else if (sscanf(line, "# migration %u", &index) == 1) {
        ret->assigned[index].live_migration = true;
    } else if (sscanf(line, "# %31s %u %255[^\n]", word, &index, value) == 3) {
        if (strcmp(word, "chosen") == 0 || strcmp(word, "mdev") == 0)
            read_chosen(ret, index, value);
        if (strcmp(word, "mdev") == 0) {
            vm_hostpci_uuid(index, 100, ret->uuid[index]);
            ret->assigned[index].uuid = ret->uuid[index];
        }
        if (strcmp(word, "mtu") == 0)
            ret->mtu[index] = (unsigned)strtoul(value, NULL, 10);
        if (strcmp(word, "usb") == 0) {
            snprintf(ret->usb_text[index], sizeof(ret->usb_text[index]), "%.31s", value);
            ret->usb[index] = ret->usb_text[index];
        }
    }
}

void vm_case_read(const char *name, struct vm_case *ret)
{
    autofree char *text = vm_golden_read(name, "conf");
    char *rest = text;

    *ret = (struct vm_case){.config = json_object(), .qemu = vm_fake_qemu("7.2")};
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *colon = strstr(line, ": ");
        if (line[0] == '#') {
            read_directive(ret, line);
        } else if (colon != NULL) {
            *colon = '\0';
            json_object_set_new(ret->config, line, json_string(colon + 2));
        }
    }
    ret->command = (struct vm_command){.vmid = 100,
                                       .config = ret->config,
                                       .assigned = ret->assigned,
                                       .usb = ret->usb,
                                       .bridge_mtu = ret->mtu,
                                       .cpu_vendor = ret->cpu_vendor[0] != '\0' ? ret->cpu_vendor : NULL,
                                       .qemu = ret->qemu,
                                       .paths = &paths};
}

void vm_case_release(struct vm_case *given)
{
    json_decref(given->config);
    vm_features_free(given->qemu);
    for (size_t i = 0; i < VM_HOSTPCI; i++)
        format_free_list(&given->ids[i]);
}

char *vm_case_print(const struct vm_case *given)
{
    autosplit char **arguments = NULL;
    struct text text = {0};
    struct error err;

    if (vm_command_build(&given->command, &arguments, &err) != 0)
        return xasprintf("error: %s\n", err.message);
    for (char **argument = arguments; *argument != NULL; argument++)
        text_printf(&text, "%s\n", *argument);
    return text_take(&text);
}
