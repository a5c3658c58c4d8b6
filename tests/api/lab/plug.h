/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hands of the lab's machine (tests/lab/topology/plug): through QMP of its own hypervisor they put cards
 * into its slots, ask for them back, and tear them out.
 *
 * A card is called by its slot: 1 is 0000:01:00.0, behind the port 0000:00:02.0; 2 is 0000:02:00.0, behind
 * 0000:00:03.0. Both are there in the beginning and must be in the end. */
#ifndef HOSTPCI_TESTS_API_LAB_PLUG_H
#define HOSTPCI_TESTS_API_LAB_PLUG_H

/* Plugs the card and waits until the kernel has it. */
void plug_in(unsigned slot);

/* As when somebody presses the slot's button: the kernel gives the card up after five seconds, and then the
 * card leaves the slot. Does not wait for that. */
void plug_press_button(unsigned slot);

/* Takes the card away without asking. The kernel is told by the slot's interrupt; does not wait until it has
 * given up the function. */
void plug_tear_out(unsigned slot);

#endif
