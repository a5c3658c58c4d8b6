/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests for VMs that really run, in software emulation (package qemu-system-x86): boot sectors, each of
 * which does one thing. */
#ifndef HOSTPCI_TESTS_API_GUEST_H
#define HOSTPCI_TESTS_API_GUEST_H

struct guest {
    const unsigned char *code, *end;
};

/* Powers off when the power button is pressed, and does nothing else. */
extern const struct guest guest_of_button;

/* Gives up each device that it is asked for, by the ACPI registers of QEMU's machines `pc` and
 * `q35` (docs/specs/acpi_pci_hotplug.rst of QEMU). */
extern const struct guest guest_of_eject;

/* Says what it finds on its PCI buses, again and again, on its first serial port. A line for each function
 * has three numbers of eight digits: bus and slot as CF8h takes them (bus << 16 | slot << 11 | function <<
 * 8), device and vendor, subsystem and its vendor. */
extern const struct guest guest_of_list;

/* Answers as a guest agent on its first serial port: ping, info, network-get-interfaces (10.0.2.15) and
 * shutdown work, anything else is an error of the agent. Does not know the power button. */
extern const struct guest guest_of_agent;

/* Says all bytes, one after the other and without an end, on its first serial port. */
extern const struct guest guest_of_flood;

/* Makes its disk, STATE_DIR/images/guest.raw; gives the path, which the caller frees. */
#define GUEST_DISK_SIZE 1048576 /* a BIOS of q35 does not boot from a smaller one */
char *guest_make_disk(const struct guest *guest);

/* And VM 100 with it. */
void guest_create(const struct guest *guest);

/* The same as a disc that a BIOS boots from (El Torito); the caller frees its GUEST_DISC_SIZE bytes. */
#define GUEST_DISC_SIZE 43008
char *guest_make_disc(const struct guest *guest);

#endif
