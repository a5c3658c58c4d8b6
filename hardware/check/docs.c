/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docs/checks.md: which sentence of the manual became which check, from the table of checks. */
#include "base/memory.h"
#include "hardware/check/check.h"

/* What a program on the host cannot see. */
enum { UNCHECKED_CELLS = 3 }; /* section, sentence, reason */
static const char *const unchecked[][UNCHECKED_CELLS] = {
    {"General Requirements", "server grade hardware has often better support than consumer grade hardware",
     "advice"},
    {"General Requirements", "Please refer to your hardware vendor to check if they support this feature",
     "advice"},
    {"Determining PCI Card Address", "You can locate your card using lspci", "the list of devices shows it"},
    {"SR-IOV", "Please refer to your driver module documentation for the exact parameters and options.",
     "advice"},
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

void check_print_row(FILE *out, const char *const *cells, size_t count)
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
            check_print_row(out, cells, COUNT_OF(cells));
    }
}

void check_print_documentation(FILE *out)
{
    fputs(
        "# Checks\n\n"
        "What `GET /nodes/{node}/hardware/iommu` (the host), `GET "
        "/nodes/{node}/hardware/pci/{id}/status` (a device)\n"
        "and `GET /nodes/{node}/qemu/{vmid}/preflight` (the start of a VM) look at, and which sentence of "
        "Proxmox VE's page\n"
        "\"PCI(e) Passthrough\" each answers. A check has a severity (ok, info, warning, error), a message, "
        "the evidence (file\n"
        "and what it held) and a remedy (what to type). It never changes anything. A check marked * can find "
        "an error, which\n"
        "blocks the device, or the VM, until it is resolved.\n\n"
        "This page is printed by `hostpci checks`.\n",
        out);
    print_scope(out, CHECK_HOST, "The host");
    print_scope(out, CHECK_DEVICE, "A device");
}

void check_print_unchecked(FILE *out)
{
    fputs("\n## Not checked\n\n| section of the manual | its sentence | why |\n| --- | --- | --- |\n", out);
    for (size_t i = 0; i < COUNT_OF(unchecked); i++)
        check_print_row(out, unchecked[i], UNCHECKED_CELLS);
}
