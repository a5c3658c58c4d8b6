/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients of Proxmox VE that were not written for us ask for, request by request, from an upload to the
 * end of a VM (tests/api/walks.c), and the asking. */
#ifndef HOSTPCI_TESTS_API_WALK_H
#define HOSTPCI_TESTS_API_WALK_H

#include <stdbool.h>

enum walk_way {
    WALK_ONCE,   /* the reply must be right at once */
    WALK_UNTIL,  /* it is asked again until it is: of what takes its time in the guest */
    WALK_TASK,   /* it begins a task, which must end well */
    WALK_UPLOAD, /* a form with the guest's disc, guest.iso */
    WALK_SCREEN, /* vncproxy, and the WebSocket as far as QEMU's VNC server's first words */
};

/* In paths and forms stand, for what came in replies before or is the walk's: {upid} of the last task,
 * {digest}, and {device}: the parameter that gives the VM its device, or nothing. */
struct walk_step {
    const char *method, *path;
    const char *form;  /* as it is sent; NULL: no body */
    const char *gives; /* JSON with ' for ": what the data must have; lists may have more, and objects, too */
    const char *fails; /* the message's end; NULL: it must succeed */
    enum walk_way way;
};

struct walk {
    const char *client;
    bool ticket; /* it logs in; else it has a token */
    const struct walk_step *steps;
};

extern const struct walk walk_of_interface, walk_of_bpg, walk_of_ansible, walk_of_telmate;

/* Walks with the daemon that runs, as a user with the role Administrator: VM 100 is made and deleted, and
 * nothing may be left of it. `device`: of this host, for the VM, by a mapping that is made here; NULL: none.
 */
void walk_run(const struct walk *walk, const char *device);

#endif
