/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a configuration to QEMU's arguments; tests/golden/vm has a case for each rule. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "tests/unit/vm/fixture.h"

/* With HOSTPCI_WRITE_GOLDENS the expectations are written anew, to be read before they are committed. */
Test(vm_command, configurations_become_the_expected_arguments)
{
    autosplit char **names = vm_golden_names();

    for (char **name = names; *name != NULL; name++) {
        autocase struct vm_case given;
        vm_case_read(*name, &given);
        autofree char *got = vm_case_print(&given);
        if (getenv("HOSTPCI_WRITE_GOLDENS") != NULL) {
            autofree char *path = xasprintf(VM_GOLDENS "/%s.cmd", *name);
            struct error err;
            cr_assert_eq(file_replace(path, got, strlen(got), 0644, &err), 0, "%s", err.message);
        }
        autofree char *expected = vm_golden_read(*name, "cmd");
        cr_expect_str_eq(got, expected, "%s:\n%s", *name, got);
    }
}

Test(vm_command, no_option_is_made_of_a_value)
{
    autojson json_t *config = json_pack("{s:s, s:s}", "scsi0", "/srv/a", "name", "web");
    autofeatures struct vm_features *qemu = vm_fake_qemu("7.2");
    struct vm_assigned assigned[VM_HOSTPCI] = {{0}};
    struct vm_paths paths = {.qemu = "qemu", .run = "/run/a,b", .rom = "/r", .ovmf = "/o"};
    struct vm_command command = {
        .vmid = 100, .config = config, .assigned = assigned, .qemu = qemu, .paths = &paths};
    autosplit char **arguments = NULL;
    struct error err;
    bool found = false;

    cr_assert_eq(vm_command_build(&command, &arguments, &err), 0, "%s", err.message);
    for (char **argument = arguments; *argument != NULL; argument++)
        found |= strstr(*argument, "path=/run/a,,b/100.qmp,") != NULL;
    cr_expect(found, "the comma of the folder is doubled");
}

Test(vm_command, a_line_can_be_typed_into_a_shell)
{
    char program[] = "qemu", blank[] = "a b", quote[] = "it's", empty[] = "", plain[] = "x=1,y";
    autofree char *line = vm_command_quote((char *const[]){program, blank, quote, empty, plain, NULL});

    cr_assert_str_eq(line, "qemu 'a b' 'it'\\''s' '' x=1,y");
}

/* Base64 and %XX of a configuration can stand for any byte, but a reply is UTF-8, and a line is one line. */
Test(vm_command, a_line_is_text_whatever_the_arguments_are)
{
    char bytes[] = "serial=\xff\xc3", lines[] = "a\n'b'\\", letters[] = "/srv/\xc3\xa4.raw";
    autofree char *line = vm_command_quote((char *const[]){bytes, lines, letters, NULL});

    cr_assert_str_eq(line, "$'serial=\\377\\303' $'a\\012\\'b\\'\\\\' '/srv/\xc3\xa4.raw'");
}

Test(vm_command, the_firmware_s_variables_are_copied_when_nothing_keeps_them)
{
    autojson json_t *config = json_pack("{s:s, s:s}", "bios", "ovmf", "machine", "q35");
    struct vm_paths paths = {.qemu = "qemu", .run = "/run", .rom = "/r", .ovmf = "/o"};
    struct vm_command command = {.vmid = 100, .config = config, .paths = &paths};
    struct error err;
    autofree char *from = NULL, *copy = NULL, *from_4m = NULL, *none = NULL;

    cr_assert_eq(vm_command_firmware(&command, &from, &copy, &err), 0);
    cr_expect_str_eq(from, "/o/OVMF_VARS.fd");
    cr_expect_str_eq(copy, "/run/100-ovmf.fd");
    paths.only_4m = true;
    autofree char *from_only = NULL, *copy_only = NULL;
    cr_assert_eq(vm_command_firmware(&command, &from_only, &copy_only, &err), 0);
    cr_expect_str_eq(from_only, "/o/OVMF_VARS_4M.fd");
    json_object_set_new(config, "efidisk0", json_string("/srv/vars.fd,efitype=4m,pre-enrolled-keys=1"));
    cr_assert_eq(vm_command_firmware(&command, &from_4m, &none, &err), 0);
    cr_expect_str_eq(from_4m, "/o/OVMF_VARS_4M.ms.fd");
    cr_expect_null(none);
}

static int hand_nothing(void *context, const struct vm_file *file, char **ret, struct error *err)
{
    (void)context;
    (void)err;
    if (file->kind == VM_FILE_ROM)
        cr_expect_str_eq(file->from, "/r/card.rom");
    *ret = xstrdup(file->path);
    return 0;
}

/* QEMU's user may not be able to read the file itself. */
Test(vm_command, romfile_is_a_copy_for_a_qemu_that_opens_no_files)
{
    static const char *const ids[] = {"0000:01:00.0", NULL};
    autojson json_t *config = json_pack("{s:s}", "hostpci2", "01:00.0,romfile=card.rom");
    autofeatures struct vm_features *qemu = vm_fake_qemu("7.2");
    struct vm_assigned assigned[VM_HOSTPCI] = {[2] = {.ids = ids, .count = 1}};
    struct vm_paths paths = {.qemu = "qemu", .run = "/run", .rom = "/r", .ovmf = "/o"};
    const struct vm_command command = {.vmid = 100,
                                       .config = config,
                                       .assigned = assigned,
                                       .qemu = qemu,
                                       .paths = &paths,
                                       .hand = hand_nothing};
    autosplit char **arguments = NULL;
    struct error err;
    bool found = false;

    cr_assert_eq(vm_command_build(&command, &arguments, &err), 0, "%s", err.message);
    for (char **argument = arguments; *argument != NULL; argument++)
        found |= strstr(*argument, ",romfile=/run/100.hostpci2.rom") != NULL;
    cr_expect(found, "the copy is named");
}

/* A folder of huge pages is root's, if there is one. */
Test(vm_command, huge_pages_have_no_name_for_a_qemu_that_opens_no_files)
{
    autocase struct vm_case given;
    bool found = false;

    vm_case_read("memory-hugepages", &given);
    given.command.hand = hand_nothing;
    autofree char *line = vm_case_print(&given);
    autosplit char **words = format_split_list(line);
    for (char **word = words; *word != NULL; word++)
        found |= strcmp(*word, "hugetlb=on") == 0;
    cr_expect(found && strstr(line, "memory-backend-memfd,id=ram-node0,") != NULL &&
                  strstr(line, "/run/hugepages") == NULL,
              "%s", line);
}

/* The process that starts VMs does not trust the one that keeps their configurations. */
Test(vm_command, values_are_checked_again)
{
    static const char *const rows[][2] = {
        {"name", "a,debug-threads=off"},
        {"affinity", "0 -x"},
        {"vmgenid", "auto,guid=x"},
        {"serial0", "chardev"},
        {"scsihw", "edu"},
        {"net0", "edu=BC:24:11:00:00:01"},
        {"cpu", "host,+x"},
        {"rng0", "/etc/passwd"},
        {"hostpci0", "0000:01:00.0,romfile=a;b"},
        {"cores", "x"},
        {"usb0", "x"},
    };
    autofeatures struct vm_features *qemu = vm_fake_qemu("7.2");
    struct vm_assigned assigned[VM_HOSTPCI] = {{0}};
    struct vm_paths paths = {.qemu = "qemu", .run = "/run", .rom = "/r", .ovmf = "/o"};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *config = json_pack("{s:s}", rows[i][0], rows[i][1]);
        autofree char *key = xasprintf("%s: ", rows[i][0]);
        struct vm_command command = {
            .vmid = 100, .config = config, .assigned = assigned, .qemu = qemu, .paths = &paths};
        autosplit char **arguments = NULL;
        struct error err;
        cr_assert_eq(vm_command_build(&command, &arguments, &err), -1, "%s", rows[i][1]);
        cr_expect(text_starts_with(err.message, key), "%s", err.message);
    }
}
