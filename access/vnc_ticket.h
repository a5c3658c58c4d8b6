/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets for consoles, as Proxmox VE has them: PVEVNC:TTTTTTTT::SIGNATURE, which signs
 * "PVEVNC:T:WHO:PATH:PORT". They are good for 40 s. Checking one does not use it up; opening a console does
 * (api/console.h).
 *
 * The password of its screen is made from the ticket, so that nothing needs to be remembered. Clients show a
 * ticket with or without "PASSWORD:" before it. Thread-safe. */
#ifndef HOSTPCI_ACCESS_VNC_TICKET_H
#define HOSTPCI_ACCESS_VNC_TICKET_H

#include "access/access.h"

#define VNC_TICKET_SECONDS 40
#define VNC_TICKET_SKEW    20
#define VNC_PASSWORD_SIZE  9 /* as much as RFB knows */

/* `who` is USER@REALM or USER@REALM!TOKEN. The caller frees *ret. */
int vnc_ticket_make(struct access *access, const char *who, const char *path, long long port, char **ret,
                    struct error *err);

bool vnc_ticket_check(struct access *access, const char *ticket, const char *who, const char *path,
                      long long port);

/* Without the password. */
const char *vnc_ticket_start(const char *ticket);

void vnc_ticket_password(struct access *access, const char *ticket, char ret[static VNC_PASSWORD_SIZE]);

#endif
