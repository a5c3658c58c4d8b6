/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/event.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

static void count(void *told)
{
    ++*(int *)told;
}

static json_int_t number_of_last(const json_t *list)
{
    return json_integer_value(json_object_get(json_array_get(list, json_array_size(list) - 1), "number"));
}

static void publish(int number)
{
    event_publish("test", "x", json_pack("{s:i}", "number", number));
}

Test(event, is_kept_only_after_begin)
{
    publish(1);
    autojson json_t *none = event_list(NULL);
    cr_assert_eq(json_array_size(none), 0);
}

Test(event, is_told_and_listed_after_a_mark)
{
    int told = 0;
    char mark[EVENT_MARK_SIZE];

    event_begin(count, &told);
    publish(1);
    event_mark(mark);
    autojson json_t *nothing = event_list(mark);
    publish(2);
    event_publish("test", NULL, NULL);
    autojson json_t *all = event_list(NULL), *later = event_list(mark);
    cr_assert_eq(told, 3);
    cr_assert_eq(json_array_size(nothing), 0);
    cr_assert_eq(json_array_size(all), 3);
    cr_assert_eq(json_array_size(later), 2);
    cr_assert_str_eq(json_text(json_array_get(all, 0), "event"), mark);
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(later, 0), "number")), 2);
    cr_assert_null(json_object_get(json_array_get(later, 1), "id"));
    event_end();
}

static void is_reset(const char *mark)
{
    char newest[EVENT_MARK_SIZE];
    autojson json_t *list = event_list(mark);

    event_mark(newest);
    cr_assert_eq(json_array_size(list), 1);
    cr_assert_str_eq(json_text(json_array_get(list, 0), "type"), "reset", "after %s", mark);
    cr_assert_str_eq(json_text(json_array_get(list, 0), "event"), newest);
}

Test(event, is_lost_when_others_are_newer)
{
    int told = 0;
    char first[EVENT_MARK_SIZE], second[EVENT_MARK_SIZE];

    event_begin(count, &told);
    event_mark(first);
    publish(1);
    event_mark(second);
    for (int i = 2; i <= EVENTS_KEPT + 1; i++)
        publish(i);
    is_reset(first);
    autojson json_t *rest = event_list(second), *all = event_list(NULL);
    cr_assert_eq(json_array_size(rest), EVENTS_KEPT);
    cr_assert_eq(json_array_size(all), EVENTS_KEPT);
    cr_assert_eq(number_of_last(all), EVENTS_KEPT + 1);
    event_end();
    event_begin(count, &told);
    is_reset(second);
    event_end();
}

Test(event, mark_of_something_else_is_not_known)
{
    int told = 0;
    char mark[EVENT_MARK_SIZE + 1];

    event_begin(count, &told);
    publish(1);
    event_mark(mark);
    mark[0] = mark[0] == 'a' ? 'b' : 'a';
    is_reset(mark);
    is_reset("");
    is_reset("-");
    is_reset("1");
    event_mark(mark);
    snprintf(mark + strlen(mark), 2, "0");
    is_reset(mark);
    event_end();
}
