/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be true of each finding's action, whoever found it. */
#ifndef HOSTPCI_TESTS_UNIT_ACTION_H
#define HOSTPCI_TESTS_UNIT_ACTION_H

#include <jansson.h>

/* The action names an endpoint of ours, whose declaration accepts the parameters. If the first line that the
 * remedy tells to type is a call (`hostpci set`, `hostpci qm set`), the action is that call. */
void expect_action(const char *about, const json_t *check);

#endif
