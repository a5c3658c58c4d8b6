/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A broker of the tests stops itself at the step that HOSTPCI_BROKER_STOP_AT names. This is linked into the
 * test programs, and into build/.../tests/hostpci, but not into what is installed. */
#include <limits.h>
#include <stdlib.h>

#include "base/text.h"
#include "broker/daemon/broker.h"

long broker_stop_at(void)
{
    const char *text = getenv("HOSTPCI_BROKER_STOP_AT");
    unsigned long long number = 0;

    return text != NULL && text_to_number(text, 10, LONG_MAX, &number) ? (long)number : 0;
}
