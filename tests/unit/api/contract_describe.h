/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An endpoint's declaration in the words of Proxmox's API schema, to be compared with it. */
#ifndef HOSTPCI_TESTS_UNIT_API_CONTRACT_DESCRIBE_H
#define HOSTPCI_TESTS_UNIT_API_CONTRACT_DESCRIBE_H

#include <jansson.h>

#include "schema/endpoint.h"

/* {parameters, returns, permissions?, proxyto?, allowtoken?} */
json_t *contract_describe(const struct endpoint *endpoint);

#endif
