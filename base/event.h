/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: what has changed, so that those who show it know what to read again.
 *
 * Like the log, there is one sequence of them in a process, to which each room adds with one call. They are
 * numbered from 1, and only the last EVENTS_KEPT are kept. A process that has not called event_begin, such as
 * the broker, keeps none. Thread-safe. */
#ifndef HOSTPCI_BASE_EVENT_H
#define HOSTPCI_BASE_EVENT_H

#include <jansson.h>
#include <stdint.h>

#define EVENTS_KEPT       512
#define EVENT_MARK_SIZE   40 /* "EPOCH-NUMBER" */
#define EVENT_MARK_FORMAT "%.16s-%llu"

/* From now on events are kept, and `told` is called after each, from any thread; it must not call this
 * module. */
void event_begin(void (*told)(void *context), void *context);
void event_end(void); /* forgets all, and keeps none any more */

/* Adds one about `id`, or about several things at once (NULL). `more` has further members; NULL: none. It
 * takes the reference. */
void event_publish(const char *type, const char *id, json_t *more);

/* The place of the newest event; it names the process, too. */
void event_mark(char ret[static EVENT_MARK_SIZE]);

/* [{event, type, id?, ...}] of what came after the mark, oldest first; `event` is the row's mark. NULL means
 * all that are kept. When some that came after the mark are not kept, or it is of another process, the first
 * row is {event, type: "reset"}, whose mark is the newest, and no other follows. */
json_t *event_list(const char *mark);

#endif
