/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A played network card that has settings of its virtual functions (hardware/slice/vf_link.h). They are in a
 * file of the tree, since the broker is another process, which is read and written as the host's others are,
 * so that a test can make that fail (tests/hosts/kernel.h); they go with the virtual functions. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_CARD_H
#define HOSTPCI_TESTS_UNIT_BROKER_CARD_H

#include <jansson.h>

#include "tests/unit/broker/testbed.h"

#define CARD_INTERFACE "eth3"

/* This function is one from now on. True if a broker that runs does not know it yet, and has to be started
 * again. */
bool card_play(const struct testbed *testbed, const char *id);

/* The card's driver says from now on, to brokers that start later, that it cannot do these settings. */
void card_refuse(const char *group);
void card_ignore(const char *group); /* it says that it has done them, and has not */

/* The settings of each virtual function that there is; a new reference. */
json_t *card_settings(void);
void card_put_setting(unsigned vf, const char *name, json_t *value); /* takes the value */

/* The driver begins anew, without what it knew. */
void card_lose_settings(void);

#endif
