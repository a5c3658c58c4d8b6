/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions are displays that the host shows something on, or that programs draw with. */
#include <criterion/criterion.h>

#include "tests/unit/hardware/use/fixture.h"

#define GRAPHICS "pci0000:00/0000:00:03.0/0000:03:00.0"

static void make_graphics(struct tree *tree, const char *driver)
{
    host_make(tree);
    tree_add_function(tree, "0000:03:00.0", driver, "30000", "10de:2484", "10de:146b");
}

static void put_console(const struct tree *tree, const char *name)
{
    tree_write(tree, "sys/class/vtconsole/vtcon0/name", "(S) dummy device\n");
    tree_write(tree, "sys/class/vtconsole/vtcon0/bind", "0\n");
    tree_write(tree, "sys/class/vtconsole/vtcon1/name", name);
    tree_write(tree, "sys/class/vtconsole/vtcon1/bind", "1\n");
}

Test(use_display, the_firmwares_display_alone_is_idle)
{
    autotree struct tree tree;

    make_graphics(&tree, NULL);
    tree_write(&tree, "sys/bus/pci/devices/0000:03:00.0/boot_vga", "1\n");
    expect_uses(&tree, "0000:03:00.0",
                "idle display boot_vga: the firmware started with this display "
                "[/sys/bus/pci/devices/0000:03:00.0/boot_vga: 1]\n");
    tree_write(&tree, "sys/bus/pci/devices/0000:03:00.0/boot_vga", "0\n");
    expect_uses(&tree, "0000:03:00.0", "");
}

Test(use_display, a_text_console_on_it_is_active)
{
    autotree struct tree tree;

    make_graphics(&tree, NULL);
    tree_write(&tree, "sys/bus/pci/devices/0000:03:00.0/boot_vga", "1\n");
    put_console(&tree, "(S) VGA+\n");
    expect_uses(&tree, "0000:03:00.0",
                "active display console: the host's text console is shown on it "
                "[/sys/class/vtconsole/vtcon1/name: (S) VGA+, bind 1]\n"
                "idle display boot_vga: the firmware started with this display "
                "[/sys/bus/pci/devices/0000:03:00.0/boot_vga: 1]\n");
}

Test(use_display, the_first_framebuffer_has_the_text_console)
{
    autotree struct tree tree;

    make_graphics(&tree, "nouveau");
    host_add(&tree, "graphics", "fb0", GRAPHICS "/graphics");
    host_add(&tree, "graphics", "fb1", GRAPHICS "/graphics");
    host_add(&tree, "graphics", "fbcon", "virtual/graphics");
    put_console(&tree, "(M) frame buffer device\n");
    expect_uses(
        &tree, "0000:03:00.0",
        "active display fb0: the host's text console is shown on framebuffer fb0 "
        "[/sys/class/vtconsole/vtcon1/name: (M) frame buffer device, bind 1]\n"
        "idle display fb1: nothing is known to be shown on framebuffer fb1 [/sys/class/graphics/fb1]\n");
    tree_write(&tree, "sys/class/vtconsole/vtcon1/bind", "0\n");
    host_open(&tree, 77, "fbi\n", "/dev/fb1");
    expect_uses(
        &tree, "0000:03:00.0",
        "active display fb1: framebuffer fb1 is open in fbi (pid 77) [/proc/77/fd: /dev/fb1]\n"
        "idle display fb0: nothing is known to be shown on framebuffer fb0 [/sys/class/graphics/fb0]\n");
}

Test(use_display, programs_that_draw_are_named)
{
    autotree struct tree tree;

    make_graphics(&tree, "nouveau");
    host_add(&tree, "drm", "card0", GRAPHICS "/drm");
    host_add(&tree, "drm", "card0-DP-1", GRAPHICS "/drm/card0");
    host_add(&tree, "drm", "renderD128", GRAPHICS "/drm");
    expect_uses(&tree, "0000:03:00.0",
                "idle display card0: graphics device card0 is not known to be open [/sys/class/drm/card0]\n");
    host_open(&tree, 812, "Xorg\n", "/dev/dri/card0");
    host_open(&tree, 813, "kodi\n", "/dev/dri/card0");
    host_open(&tree, 814, "ffmpeg\n", "/dev/dri/renderD128");
    expect_uses(&tree, "0000:03:00.0",
                "active display card0: graphics device card0 is open in Xorg (pid 812), kodi (pid 813) "
                "[/proc/812/fd: /dev/dri/card0]\n"
                "active display renderD128: graphics device renderD128 is open in ffmpeg (pid 814) "
                "[/proc/814/fd: /dev/dri/renderD128]\n");
}

Test(use_display, three_programs_are_named_and_the_others_counted)
{
    autotree struct tree tree;

    make_graphics(&tree, "nouveau");
    host_add(&tree, "drm", "card0", GRAPHICS "/drm");
    host_open(&tree, 11, "a\n", "/dev/dri/card0");
    host_open(&tree, 12, "b\n", "/dev/dri/card0");
    host_open(&tree, 13, "c\n", "/dev/dri/card0");
    host_open(&tree, 14, "d\n", "/dev/dri/card0");
    expect_uses(&tree, "0000:03:00.0",
                "active display card0: graphics device card0 is open in a (pid 11), b (pid 12), "
                "c (pid 13) and 1 more [/proc/11/fd: /dev/dri/card0]\n");
}

Test(use_display, nvidias_own_driver_has_other_device_nodes)
{
    autotree struct tree tree;

    make_graphics(&tree, "nvidia");
    tree_write(&tree, "proc/driver/nvidia/gpus/0000:03:00.0/information",
               "Model: \t\t NVIDIA A40\nDevice Minor: \t 1\nGPU Excluded:\t No\n");
    host_open(&tree, 99, "nvidia-persiste\n", "/dev/nvidia1");
    expect_uses(&tree, "0000:03:00.0",
                "active display nvidia1: NVIDIA device nvidia1 is open in nvidia-persiste (pid 99) "
                "[/proc/99/fd: /dev/nvidia1]\n");
}

/* Without root the addresses are zeros, the indent is there. */
Test(use_display, the_boot_framebuffer_lies_in_the_memory_of_the_display)
{
    autotree struct tree tree;

    make_graphics(&tree, "vfio-pci");
    tree_write(&tree, "proc/iomem",
               "00000000-00000000 : PCI Bus 0000:00\n"
               "  00000000-00000000 : PCI Bus 0000:03\n"
               "    00000000-00000000 : 0000:03:00.0\n"
               "      00000000-00000000 : BOOTFB\n"
               "        00000000-00000000 : efifb\n"
               "  00000000-00000000 : 0000:01:00.0\n"
               "00000000-00000000 : BOOTFB\n");
    expect_uses(&tree, "0000:03:00.0", "");
    tree_write(&tree, "sys/bus/platform/devices/simple-framebuffer.0/uevent", "");
    expect_uses(&tree, "0000:03:00.0",
                "active display BOOTFB: the boot framebuffer BOOTFB occupies its memory "
                "[/proc/iomem: BOOTFB below the function's memory]\n");
    expect_uses(&tree, "0000:01:00.0", "");
}
