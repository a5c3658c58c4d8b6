/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has changed, as server-sent events: a part of a stream of them. */
#ifndef HOSTPCI_API_EVENTS_H
#define HOSTPCI_API_EVENTS_H

#include "api/request.h"
#include "base/text.h"

/* Appends the events that came after request->mark, as far as the caller may see them, and moves the mark on.
 */
void events_take(struct request *request, struct text *ret);

#endif
