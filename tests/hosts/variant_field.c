/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variants of the golden host as people reported them: lines of the kernel's log, options with slips,
 * parameters that do nothing, boot loaders. */
#include "tests/hosts/golden.h"
#include "tests/hosts/parts.h"
#include "tests/hosts/use.h"

#include <stdio.h>
#include <string.h>

#define CONFIG "boot/config-" GOLDEN_RELEASE
#define VFIO   "etc/modprobe.d/vfio.conf"
#define ARC    "0000:07:00.0"

static void on_amd(struct golden *golden)
{
    golden->machine.model = "AMD Ryzen 9 5950X 16-Core Processor";
    golden->machine.iommu = "ivhd";
    golden->machine.cmdline = GOLDEN_CMDLINE;
}

/* Five alike, and the one that differs after them. */
static void log_events(const struct host *golden)
{
    (void)golden;
    for (unsigned i = 0; i < 5; i++)
        log_append("vfio-pci " GPU
                   ": AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000f address=0xfffffffdf80%u000 "
                   "flags=0x0008]",
                   i);
    log_append("AMD-Vi: Completion-Wait loop timed out");
}

static void log_of_device(const struct host *golden)
{
    (void)golden;
    log_append("DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0xfe000000 [fault reason 0x06] "
               "PTE Read access is not set");
    log_append("vfio-pci " GPU ": BAR 1: can't reserve [mem 0xc0000000-0xcfffffff 64bit pref]");
    log_append("nouveau " GPU ": Direct firmware load for nouveau/nv_acr failed with error -2");
    log_append("nouveau " GPU ": using the default mode");
    log_append("vfio-pci 0000:11:00.0: not ready 65535ms after FLR; giving up");
}

static void log_relaxed(const struct host *golden)
{
    (void)golden;
    log_append(
        "DMAR: Intel-IOMMU: assuming all RMRRs are relaxable. This can lead to instability or data loss");
}

static void set_options(const char *lines)
{
    tree_replace(VFIO, "%s", lines);
    tree_set_time(VFIO, GOLDEN_SETTINGS_TIME);
}

static void blank_in_ids(const struct host *golden)
{
    (void)golden;
    set_options("options vfio-pci ids=10de:2484, 10de:228b disable_vga=1\nsoftdep nouveau pre: vfio-pci\n");
}

static void brackets_in_ids(const struct host *golden)
{
    (void)golden;
    set_options("options vfio-pci ids=[10de:2484],[10de:228b]\nsoftdep nouveau pre: vfio-pci\n");
}

static void unknown_option(const struct host *golden)
{
    (void)golden;
    set_options("options vfio-pci ids=10de:2484,10de:228b disable-idle-d3=1 x-vga=on\n");
}

/* 1,029 characters */
static void too_many_ids(const struct host *golden)
{
    static char line[2048] = "options vfio-pci ids=10de:2484";
    size_t length = strlen(line);
    (void)golden;
    for (unsigned i = 0; i < 102; i++)
        length += (size_t)snprintf(line + length, sizeof(line) - length, ",10de:228b");
    snprintf(line + length, sizeof(line) - length, "\n");
    set_options(line);
    module_unload("vfio_pci");
}

static void ids_on_cmdline(struct golden *golden)
{
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=on vfio-pci.ids=10de:2484,0x10de:0x228b";
}

static void no_pre(const struct host *golden)
{
    (void)golden;
    set_options("options vfio-pci ids=10de:2484,10de:228b\nsoftdep nouveau vfio-pci\n");
}

/* A diskless host's command line, in which the word that decides is beyond the first 512 bytes. */
static void long_cmdline(struct golden *golden)
{
    static char text[1024] = GOLDEN_CMDLINE " intel_iommu=on";
    size_t length = strlen(GOLDEN_CMDLINE " intel_iommu=on");
    for (unsigned i = 0; i < 40; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, " ip=192.0.2.1");
    snprintf(text + length, sizeof(text) - length, " pcie_acs_override=downstream last=1");
    golden->machine.cmdline = text;
}

static void vain_on_amd(struct golden *golden)
{
    on_amd(golden);
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=on amd_iommu=on pt=on";
}

static void vain_on_intel(struct golden *golden)
{
    golden->machine.cmdline = GOLDEN_CMDLINE " amd_iommu=on iommu=on";
}

static void off(struct golden *golden)
{
    golden->machine.iommu = NULL;
    golden->machine.tables = "DMAR";
    golden->machine.cmdline = GOLDEN_CMDLINE;
    golden->functions[GOLDEN_GPU].driver = NULL;
    golden->functions[GOLDEN_GPU_SOUND].driver = "snd_hda_intel";
}

static void remove_config(const struct host *golden)
{
    (void)golden;
    tree_remove(CONFIG);
}

static void hide_cmdline(const struct host *golden)
{
    remove_config(golden);
    tree_remove("proc/cmdline");
}

static void off_by_parameter(struct golden *golden)
{
    off(golden);
    golden->machine.cmdline = GOLDEN_CMDLINE " intel_iommu=off";
}

/* GRUB started the host; the file of another boot loader is a leftover. */
static void add_leftover(const struct host *golden)
{
    (void)golden;
    tree_write("etc/kernel/cmdline", MODE_CHANGE, "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
}

/* Typed at GRUB's prompt. */
static void forget_parameter(const struct host *golden)
{
    (void)golden;
    tree_replace("etc/default/grub", "GRUB_DEFAULT=0\n# GRUB_CMDLINE_LINUX_DEFAULT=\"intel_iommu=off\"\n"
                                     "GRUB_CMDLINE_LINUX_DEFAULT='quiet'\n");
}

/* An option that another file sets already, with one beside it. */
static void set_elsewhere(const struct host *golden)
{
    (void)golden;
    tree_write("etc/modprobe.d/quiet.conf", MODE_CHANGE,
               "options vfio-pci disable_idle_d3=1 disable_vga=0\n");
    tree_set_time("etc/modprobe.d/quiet.conf", GOLDEN_SETTINGS_TIME);
}

static void with_nvidia(struct golden *golden)
{
    golden->functions[GOLDEN_GPU].driver = "nvidia";
}

/* No display manager: a program streams from the card. */
static void stream_from_card(const struct host *golden)
{
    tree_remove(VFIO);
    display_write(host_find(golden, GPU).text, 1, false);
    process_write(2210, "sunshine", "/dev/dri/card1");
}

/* A driver for the firmware's framebuffer that is built into the kernel. */
static void keep_simpledrm(const struct host *golden)
{
    (void)golden;
    tree_replace("proc/iomem", "00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : PCI Bus 0000:01\n"
                               "    00000000-00000000 : 0000:01:00.0\n      00000000-00000000 : simpledrm\n");
    tree_make_folder("sys/bus/platform/devices/simple-framebuffer.0");
}

static void add_cd_drive(const struct host *golden)
{
    struct path folder = path("%s/host7/target7:0:0/7:0:0:0/block", host_find(golden, SPARE_DISK).text);
    block_write(folder.text, "sr0", "11:0");
    process_write(2345, "cdparanoia", "/dev/sr0");
}

/* A card with a switch of its own in slot 1: the port to the slot, the port to the chip, the chip. */
static void has_switch(struct golden *golden)
{
    golden->functions[GOLDEN_SPARE_USB] = (struct pci_function){.id = "0000:01:00.0",
                                                                .behind = "0000:00:01.0",
                                                                .ids = {0x8086, 0x4fa1, 0, 0},
                                                                .class = 0x060400,
                                                                .driver = "pcieport",
                                                                .group = 2,
                                                                .slot = "1",
                                                                .bus = 0x06};
    golden->functions[GOLDEN_GPU_SOUND] = (struct pci_function){.id = "0000:06:01.0",
                                                                .behind = "0000:01:00.0",
                                                                .ids = {0x8086, 0x4fa4, 0, 0},
                                                                .class = 0x060400,
                                                                .driver = "pcieport",
                                                                .group = 2,
                                                                .bus = 0x07};
    golden->functions[GOLDEN_GPU].id = ARC;
    golden->functions[GOLDEN_GPU].behind = "0000:06:01.0";
    golden->functions[GOLDEN_GPU].slot = NULL;
    golden->functions[GOLDEN_DISK].group = golden->functions[GOLDEN_GPU].group;
}

/* What a kernel before 4.2 wrote. */
static void old_modalias(const struct host *golden)
{
    tree_replace(path("%s/modalias", host_find(golden, SPARE_USB).text).text,
                 "pci:v00001912d00000014sv00001912sd00000014bc0csc03i30\n");
}

static void broken_modalias(const struct host *golden)
{
    tree_replace(path("%s/modalias", host_find(golden, SPARE_USB).text).text, "pci:v00001912\n");
}

const struct variant variants_of_field[] = {
    {"log-amd-events", "AMD's IOMMU tells of DMA that it stopped", NULL, on_amd, log_events},
    {"log-relaxed", "a kernel that is patched to ignore reserved memory", NULL, NULL, log_relaxed},
    {"log-of-device", "lines of the log that name the card, one by its short address", GPU, NULL,
     log_of_device},
    {"ids-blank", "a blank in vfio-pci's list of ids", NULL, NULL, blank_in_ids},
    {"ids-brackets", "ids with the brackets of lspci", NULL, NULL, brackets_in_ids},
    {"ids-unknown-option", "an option that vfio-pci does not have", NULL, NULL, unknown_option},
    {"ids-too-long", "more ids than vfio-pci takes", NULL, NULL, too_many_ids},
    {"ids-on-cmdline", "ids on the command line, one in a wrong form", NULL, ids_on_cmdline, NULL},
    {"softdep-without-pre", "a softdep line without pre:", NULL, NULL, no_pre},
    {"long-cmdline", "a long command line with the parameter that decides at its end", NULL, long_cmdline,
     NULL},
    {"vain-on-amd", "three parameters that do nothing, on an AMD processor", NULL, vain_on_amd, NULL},
    {"vain-on-intel", "AMD's parameter on an Intel processor", NULL, vain_on_intel, NULL},
    {"off-without-config", "the IOMMU is off, and the kernel's configuration is nowhere", NULL, off,
     remove_config},
    {"off-without-cmdline", "the same, and the command line cannot be read", NULL, off, hide_cmdline},
    {"grub-with-leftover", "started by GRUB, with another boot loader's file", NULL, off_by_parameter,
     add_leftover},
    {"grub-without-parameter", "a parameter that no file sets", NULL, off_by_parameter, forget_parameter},
    {"option-elsewhere", "an option of vfio-pci that another file sets", GPU, NULL, set_elsewhere},
    {"display-program", "a program that is no display manager has the card open", GPU, with_nvidia,
     stream_from_card},
    {"simpledrm", "simpledrm draws in the card's memory", GPU, NULL, keep_simpledrm},
    {"switch-on-card", "a card with a switch of its own, in one group with a disk", ARC, has_switch, NULL},
    {"cd-drive", "the spare drive is a CD drive", SPARE_DISK, NULL, add_cd_drive},
    {"old-modalias", "a kernel that writes the class in lower case", SPARE_USB, NULL, old_modalias},
    {"broken-modalias", "a function of which the kernel says nothing useful", NULL, NULL, broken_modalias},
    {0},
};
