/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docs/checks.md: which sentence of the manual became which check, from the table of checks. */
#include "base/memory.h"
#include "hardware/check.h"

/* What a program on the host cannot see. */
enum { UNCHECKED_CELLS = 3 }; /* section, sentence, reason */
static const char *const unchecked[][UNCHECKED_CELLS] = {
    {"(introduction)", "PCIe passthrough is only available on q35 machines.",
     "a property of the VM: refused when it is configured"},
    {"General Requirements", "server grade hardware has often better support than consumer grade hardware",
     "advice"},
    {"General Requirements", "Please refer to your hardware vendor to check if they support this feature",
     "advice"},
    {"Determining PCI Card Address", "You can locate your card using lspci", "the list of devices shows it"},
    {"GPU Passthrough Notes",
     "one has to either physically connect a monitor to the card, or configure a remote desktop",
     "outside the host"},
    {"VM Configuration", "x-vga, pcie, rombar, romfile",
     "properties of the VM: refused when it is configured"},
    {"PCI ID overrides", "You can override the PCI vendor ID, device ID, and subsystem IDs",
     "a property of the VM"},
    {"SR-IOV", "Please refer to your driver module documentation for the exact parameters and options.",
     "advice"},
    {"Use in Clusters", "It is also possible to map devices on a cluster level",
     "mappings have their own check against the hardware"},
    {"vIOMMU (emulated IOMMU)", "To use Intel vIOMMU you need to set q35 as the machine type.",
     "a property of the VM"},
};

/* A vertical bar would end the cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_row(FILE *out, const char *const *cells, size_t count)
{
    fputc('|', out);
    for (size_t i = 0; i < count; i++) {
        fputc(' ', out);
        print_cell(out, cells[i]);
        fputs(" |", out);
    }
    fputc('\n', out);
}

static void print_scope(FILE *out, enum check_scope scope, const char *title)
{
    fprintf(
        out,
        "\n## %s\n\n| check | looks at | section of the manual | its sentence |\n| --- | --- | --- | --- |\n",
        title);
    for (size_t i = 0; i < check_count; i++) {
        const struct check *check = &checks[i];
        autofree char *id = xasprintf("`%s`%s", check->id, check->decides ? " *" : "");
        const char *cells[] = {id, check->text, check->section, check->sentence};
        if (check->scope == scope)
            print_row(out, cells, COUNT_OF(cells));
    }
}

void check_print_documentation(FILE *out)
{
    fputs("# Checks\n\n"
          "What `GET /nodes/{node}/hardware/iommu` (the host) and `GET "
          "/nodes/{node}/hardware/pci/{id}/status` (a device)\n"
          "look at, and which sentence of Proxmox VE's page \"PCI(e) Passthrough\" each answers. A check has "
          "a severity (ok,\n"
          "info, warning, error), a message, the evidence (file and what it held) and a remedy (what to "
          "type). It never\n"
          "changes anything. A check marked * can find an error, which blocks the device until it is "
          "resolved.\n\n"
          "This page is printed by `hostpci checks`.\n",
          out);
    print_scope(out, CHECK_HOST, "The host");
    print_scope(out, CHECK_DEVICE, "A device");
    fputs("\n## Not checked\n\n| section of the manual | its sentence | why |\n| --- | --- | --- |\n", out);
    for (size_t i = 0; i < COUNT_OF(unchecked); i++)
        print_row(out, unchecked[i], UNCHECKED_CELLS);
}
