/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last events, in a ring. */
#include "base/event.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

static struct {
    pthread_mutex_t mutex;       /* guards the rest */
    void (*told)(void *context); /* NULL: none are kept */
    void *context;
    char epoch[UUID_SIZE];
    unsigned long long newest;
    json_t *kept[EVENTS_KEPT]; /* by number */
} events = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void event_begin(void (*told)(void *context), void *context)
{
    pthread_mutex_lock(&events.mutex);
    events.told = told;
    events.context = context;
    events.newest = 0;
    uuid_make(events.epoch);
    pthread_mutex_unlock(&events.mutex);
}

void event_end(void)
{
    pthread_mutex_lock(&events.mutex);
    events.told = NULL;
    for (size_t i = 0; i < EVENTS_KEPT; i++)
        json_decref(TAKE(events.kept[i]));
    pthread_mutex_unlock(&events.mutex);
}

static void print_mark(unsigned long long number, char ret[static EVENT_MARK_SIZE])
{
    snprintf(ret, EVENT_MARK_SIZE, EVENT_MARK_FORMAT, events.epoch, number);
}

void event_publish(const char *type, const char *id, json_t *more)
{
    autojson json_t *members = more;
    char mark[EVENT_MARK_SIZE];

    pthread_mutex_lock(&events.mutex);
    if (events.told != NULL) {
        json_t **place = &events.kept[++events.newest % EVENTS_KEPT];
        print_mark(events.newest, mark);
        json_decref(*place);
        *place = json_pack("{s:s, s:s}", "event", mark, "type", type);
        if (id != NULL)
            json_object_set_new(*place, "id", json_string(id));
        if (members != NULL)
            json_object_update(*place, members);
        events.told(events.context);
    }
    pthread_mutex_unlock(&events.mutex);
}

void event_mark(char ret[static EVENT_MARK_SIZE])
{
    pthread_mutex_lock(&events.mutex);
    print_mark(events.newest, ret);
    pthread_mutex_unlock(&events.mutex);
}

/* With the lock held. False: what came after the mark is not known. */
static bool find_mark(const char *mark, unsigned long long *ret)
{
    unsigned long long number;
    char expected[EVENT_MARK_SIZE];
    const char *dash = strrchr(mark, '-');

    if (dash == NULL || !text_to_number(dash + 1, 10, events.newest, &number))
        return false;
    print_mark(number, expected);
    *ret = number;
    return strcmp(expected, mark) == 0 && events.newest - number <= EVENTS_KEPT;
}

json_t *event_list(const char *mark)
{
    json_t *list = json_array();
    char newest[EVENT_MARK_SIZE];

    pthread_mutex_lock(&events.mutex);
    unsigned long long number = events.newest > EVENTS_KEPT ? events.newest - EVENTS_KEPT : 0;
    if (mark == NULL || find_mark(mark, &number)) {
        while (number < events.newest)
            json_array_append(list, events.kept[++number % EVENTS_KEPT]);
    } else {
        print_mark(events.newest, newest);
        json_array_append_new(list, json_pack("{s:s, s:s}", "event", newest, "type", "reset"));
    }
    pthread_mutex_unlock(&events.mutex);
    return list;
}
