/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docs/checks.md, printed from the declarations of checks: which of them answers which sentence of the
 * manual. */
#include "base/memory.h"
#include "hardware/check/check.h"
#include "hardware/check/manual.h"

/* Sentences that no check answers, and why. */
enum { UNCHECKED_CELLS = 3 }; /* section, sentence, reason */
static const char *const unchecked[][UNCHECKED_CELLS] = {
    {MANUAL_GENERAL, "server grade hardware has often better support than consumer grade hardware", "advice"},
    {MANUAL_GENERAL, "Please refer to your hardware vendor to check if they support this feature", "advice"},
    {MANUAL_ADDRESS, "You can locate your card using lspci", "the list of devices shows it"},
    {MANUAL_SRIOV, "Please refer to your driver module documentation for the exact parameters and options.",
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

static void print_scope(FILE *out, const struct check *const *const *lists, enum check_scope scope)
{
    static const char *const titles[] = {
        [CHECK_HOST] = "The host", [CHECK_DEVICE] = "A device", [CHECK_VM] = "The start of a VM"};

    fprintf(out, "\n## %s\n\n", titles[scope]);
    if (scope == CHECK_VM)
        fputs("`host` and `device` give findings of the tables above, under their ids there.\n\n", out);
    fputs("| check | looks at | section of the manual | its sentence |\n| --- | --- | --- | --- |\n", out);
    CHECK_FOREACH(check, lists)
    {
        autofree char *id =
            xasprintf("`%s`%s%s", check->id, check->blocks ? " *" : "", check->fixable ? " +" : "");
        const char *cells[] = {id, check->text, check->section,
                               check->sentence != NULL ? check->sentence : ""};
        if (check->scope == scope)
            print_row(out, cells, COUNT_OF(cells));
    }
}

void check_print_documentation(FILE *out, const struct check *const *const *vm_lists)
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
        "blocks the device, or the VM, until it is resolved. One marked + can have an action: the call of "
        "the "
        "API that does the\n"
        "remedy, or its first step. `hostpci fix CHECK` shows it, and makes it.\n\n"
        "This page is printed by `hostpci checks`.\n",
        out);
    print_scope(out, check_lists, CHECK_HOST);
    print_scope(out, check_lists, CHECK_DEVICE);
    print_scope(out, vm_lists, CHECK_VM);
    fputs("\n## Not checked\n\n| section of the manual | its sentence | why |\n| --- | --- | --- |\n", out);
    for (size_t i = 0; i < COUNT_OF(unchecked); i++)
        print_row(out, unchecked[i], UNCHECKED_CELLS);
}
