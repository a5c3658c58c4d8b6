/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests: what a person is shown of a reply with checks. */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "base/memory.h"
#include "client/print/cell.h"
#include "client/print/print.h"
#include "client/print/report.h"

static const char device[] =
    "{\"driver\": \"nouveau\", \"id\": \"0000:01:00.0\", \"vendor_name\": \"NVIDIA Corporation\","
    " \"device_name\": \"GA104\", \"verdict\": \"blocked\","
    " \"summary\": \"The IOMMU is off, so nothing can be passed through.\","
    " \"detaches\": [{\"id\": \"0000:01:00.0\", \"driver\": \"nouveau\"},"
    "                {\"id\": \"0000:01:00.1\", \"driver\": \"snd_hda_intel\"}],"
    " \"checks\": ["
    "   {\"id\": \"iommu\", \"severity\": \"error\", \"message\": \"The IOMMU is off because the kernel was "
    "told so.\","
    "    \"evidence\": \"/proc/cmdline: quiet intel_iommu=off\","
    "    \"remedy\": \"sed -i 's/\\\\bintel_iommu=off\\\\b/intel_iommu=on/' "
    "/etc/default/grub\\nupdate-grub\\n\"},"
    "   {\"id\": \"boot-vga\", \"severity\": \"warning\", \"message\": \"The host's screen goes dark.\"},"
    "   {\"id\": \"vfio\", \"severity\": \"ok\", \"message\": \"Loaded.\"},"
    "   {\"id\": \"reset\", \"severity\": \"ok\", \"message\": \"By function.\"}],"
    " \"host-use\": ["
    "   {\"id\": \"0000:01:00.0\", \"kind\": \"display\", \"name\": \"card0\", \"weight\": \"active\","
    "    \"message\": \"card0 is open in Xorg (pid 12)\"},"
    "   {\"id\": \"0000:01:00.1\", \"kind\": \"sound\", \"name\": \"card1\", \"weight\": \"idle\","
    "    \"message\": \"card1 has no open stream\"}]}";

static void utf8(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
}

static char *print(const char *json, struct table_style style)
{
    autojson json_t *value = json_loads(json, 0, NULL);

    cr_assert_not_null(value);
    return print_value(value, NULL, PRINT_TEXT, &style);
}

static void expect(const char *json, struct table_style style, const char *expected)
{
    autofree char *printed = print(json, style);

    cr_expect_str_eq(printed, expected, "got:\n%s", printed);
}

static void expect_part(const char *json, struct table_style style, const char *expected)
{
    autofree char *printed = print(json, style);

    cr_expect_not_null(strstr(printed, expected), "no\n%s\nin:\n%s", expected, printed);
}

TestSuite(client_report, .init = utf8);

Test(client_report, the_verdict_comes_first_then_what_to_do_then_the_rest)
{
    expect(device, (struct table_style){0},
           "BLOCKED   0000:01:00.0 NVIDIA Corporation GA104\n"
           "          The IOMMU is off, so nothing can be passed through.\n"
           "DETACHES  0000:01:00.0 (nouveau), 0000:01:00.1 (snd_hda_intel)\n"
           "\n"
           "ERROR     The IOMMU is off because the kernel was told so. [iommu]\n"
           "          /proc/cmdline: quiet intel_iommu=off\n"
           "    sed -i 's/\\bintel_iommu=off\\b/intel_iommu=on/' /etc/default/grub\n"
           "    update-grub\n"
           "\n"
           "WARNING   The host's screen goes dark. [boot-vga]\n"
           "\n"
           "OK        vfio, reset\n"
           "\n"
           "Used by the host:\n"
           "ACTIVE    0000:01:00.0: card0 is open in Xorg (pid 12)\n"
           "IDLE      0000:01:00.1: card1 has no open stream\n"
           "\n"
           "+--------+---------+\n"
           "| key    | value   |\n"
           "+========+=========+\n"
           "| driver | nouveau |\n"
           "+--------+---------+\n");
}

Test(client_report, what_is_being_done_to_a_device_stands_below_its_verdict)
{
    setenv("TZ", "UTC", 1);
    expect("{\"id\": \"0000:01:00.0\", \"verdict\": \"possible\", \"checks\": [], \"state\": {"
           "\"task\": \"UPID:pve1:0000002A:00000001:69000000:pcidriver:0000@3a01@3a00.0:root@pam:\","
           "\"waiting\": {\"since\": 1767000000, \"step\": \"unbind from nvme\"},"
           "\"previous-driver\": \"nvme\", \"persistent-driver\": \"vfio-pci\","
           "\"reset\": {\"method\": \"flr\", \"time\": 1767000060, \"ok\": 0, \"message\": \"it does not "
           "answer\"}}}",
           (struct table_style){0},
           "POSSIBLE  0000:01:00.0\n"
           "TASK      UPID:pve1:0000002A:00000001:69000000:pcidriver:0000@3a01@3a00.0:root@pam:\n"
           "WAITING   unbind from nvme: waiting for the kernel since 2025-12-29 09:20:00\n"
           "FAILED    last reset, by flr at 2025-12-29 09:21:00: it does not answer\n"
           "DRIVER    previously nvme (`restore` brings it back); vfio-pci whenever the broker starts\n");
    expect(
        "{\"id\": \"a\", \"verdict\": \"ready\", \"checks\": [], \"state\": {\"reset\": {\"method\": \"bus\","
        " \"time\": 1767000060, \"ok\": 1, \"message\": \"\"}, \"persistent-driver\": \"none\"}}",
        (struct table_style){0},
        "READY     a\n"
        "RESET     worked, by bus at 2025-12-29 09:21:00\n"
        "DRIVER    none whenever the broker starts\n");
}

Test(client_report, text_is_wrapped_to_the_terminal_but_never_a_line_to_copy)
{
    expect_part(device, (struct table_style){.width = 40},
                "BLOCKED   0000:01:00.0 NVIDIA\n"
                "          Corporation GA104\n"
                "          The IOMMU is off, so nothing\n"
                "          can be passed through.\n");
    expect_part(device, (struct table_style){.width = 40},
                "          intel_iommu=off\n"
                "    sed -i 's/\\bintel_iommu=off\\b/intel_iommu=on/' /etc/default/grub\n"
                "    update-grub\n");
}

Test(client_report, every_width_is_kept_to_but_by_lines_to_copy)
{
    for (size_t width = 21; width < 100; width++) {
        autofree char *printed = print(device, (struct table_style){.width = width});
        char *rest = printed;
        for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
            if (strncmp(line, REPORT_REMEDY_INDENT "sed", 7) != 0)
                cr_expect_leq(cell_width(line), width, "%zu columns: %s", width, line);
    }
}

Test(client_report, words_that_judge_have_their_colours_on_a_terminal)
{
    struct table_style style = {.colour = true, .no_border = true};

    expect_part(device, style,
                "\033[31mBLOCKED\033[0m   \033[1m0000:01:00.0 NVIDIA Corporation GA104\033[0m\n");
    expect_part(device, style, "\033[31mERROR\033[0m     The IOMMU");
    expect_part(device, style, "          \033[2m/proc/cmdline: quiet intel_iommu=off\033[0m\n    sed -i");
    expect_part(device, style, "\033[33mWARNING\033[0m   The host's");
    expect_part(device, style, "\033[32mOK\033[0m        vfio, reset\n");
    expect_part(device, style, "\033[33mACTIVE\033[0m    0000:01:00.0: card0");
    expect_part(device, style, "\nIDLE      0000:01:00.1: card1");
}

Test(client_report, colours_change_nothing_but_the_colour)
{
    autofree char *plain = print(device, (struct table_style){.width = 60});
    autofree char *coloured = print(device, (struct table_style){.width = 60, .colour = true});
    size_t length = 0;

    for (const char *c = coloured; *c != '\0'; c++)
        if (*c == '\033')
            c = strchr(c, 'm');
        else
            coloured[length++] = *c;
    coloured[length] = '\0';
    cr_expect_str_eq(coloured, plain);
}

Test(client_report, a_report_without_a_device_is_about_the_host)
{
    expect("{\"checks\": [{\"id\": \"iommu\", \"severity\": \"ok\", \"message\": \"On.\"}]}",
           (struct table_style){0},
           "READY     This host\n"
           "\n"
           "OK        iommu\n");
    expect("{\"checks\": [{\"id\": \"iommu\", \"severity\": \"error\", \"message\": \"Off.\"}]}",
           (struct table_style){0},
           "BLOCKED   This host\n"
           "\n"
           "ERROR     Off. [iommu]\n");
    expect("{\"checks\": []}", (struct table_style){0}, "READY     This host\n");
}

Test(client_report, a_vm_s_report_has_what_each_hostpci_gets)
{
    expect("{\"startable\": 0, \"summary\": \"It would not start.\", \"devices\": ["
           "  {\"key\": \"hostpci0\", \"chosen\": [\"0000:02:00.0\", \"0000:02:00.1\"], \"mapping\": \"gpu\","
           "   \"refused\": [{\"path\": \"0000:01:00.0\", \"reason\": \"in use by VMID '101'\"}],"
           "   \"detaches\": [{\"id\": \"0000:02:00.0\", \"driver\": \"nouveau\"}]},"
           "  {\"key\": \"hostpci1\", \"chosen\": [\"0000:00:02.0\"], \"mdev\": \"i915-GVTg_V5_4\", "
           "\"detaches\": []},"
           "  {\"key\": \"hostpci15\", \"chosen\": [], \"detaches\": []}],"
           " \"checks\": [{\"id\": \"command-line\", \"severity\": \"error\", \"message\": \"No.\"}]}",
           (struct table_style){0},
           "BLOCKED   This VM\n"
           "          It would not start.\n"
           "HOSTPCI0  0000:02:00.0, 0000:02:00.1, of mapping gpu\n"
           "          not 0000:01:00.0: in use by VMID '101'\n"
           "DETACHES  0000:02:00.0 (nouveau)\n"
           "HOSTPCI1  0000:00:02.0, as a mediated device of type i915-GVTg_V5_4\n"
           "HOSTPCI15 none\n"
           "\n"
           "ERROR     No. [command-line]\n");
    expect("{\"startable\": 1, \"devices\": [], \"checks\": []}", (struct table_style){0},
           "READY     This VM\n");
}

Test(client_report, wide_characters_are_counted_by_their_columns)
{
    expect("{\"id\": \"a\", \"verdict\": \"ready\", \"summary\": \"カード カード カード\", \"checks\": []}",
           (struct table_style){.width = 24},
           "READY     a\n"
           "          カード カード\n"
           "          カード\n");
}

Test(client_report, no_text_of_the_server_reaches_the_terminal_raw)
{
    expect(
        "{\"id\": \"a\\u001b[2J\", \"verdict\": \"\\u001b[1m\", \"checks\": [{\"id\": \"b\\r\", \"severity\":"
        " \"error\", \"message\": \"c\\n\", \"evidence\": \"d\\u0007\", \"remedy\": \"e\\u001b\\n\\r\"}]}",
        (struct table_style){.colour = true},
        "\\x1b[1M   \033[1ma\\x1b[2J\033[0m\n"
        "\n"
        "\033[31mERROR\033[0m     c\\n [b\\x0d]\n"
        "          \033[2md\\x07\033[0m\n"
        "    e\\x1b\n"
        "    \\x0d\n");
}

Test(client_report, other_objects_are_none)
{
    static const char *const others[] = {
        "{}",
        "[]",
        "{\"checks\": 1}",
        "{\"checks\": [\"iommu\"]}",
        "{\"checks\": [{\"id\": \"iommu\", \"severity\": \"ok\"}]}",
        "{\"checks\": [{\"id\": 1, \"severity\": \"ok\", \"message\": \"On.\"}]}",
    };

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        autojson json_t *value = json_loads(others[i], 0, NULL);
        cr_expect(!report_matches(value), "%s", others[i]);
    }
}

Test(client_report, programs_get_the_reply_as_it_is)
{
    autojson json_t *value = json_loads(device, 0, NULL);
    struct table_style style = {.colour = true, .width = 40};
    autofree char *printed = print_value(value, NULL, PRINT_JSON, &style);
    autojson json_t *again = json_loads(printed, 0, NULL);

    cr_expect(json_equal(value, again));
}
