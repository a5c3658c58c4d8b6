/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports: replies that say whether something works, and if it does not, why and what to do. */
#include "client/print/report.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "client/print/cell.h"

/* The column where the text beside the words begins. */
#define MARGIN ((size_t)10)

enum type { TYPE_PLAIN, TYPE_BOLD, TYPE_DIM };
static const char *const types[] = {[TYPE_PLAIN] = "", [TYPE_BOLD] = "\033[1m", [TYPE_DIM] = "\033[2m"};

static bool is_ok(const json_t *check)
{
    return strcmp(json_text(check, "severity"), "ok") == 0;
}

bool report_matches(const json_t *reply)
{
    const json_t *checks = json_object_get(reply, "checks"), *check;
    size_t i;

    json_array_foreach(checks, i, check) {
        if (!json_is_string(json_object_get(check, "id")) ||
            !json_is_string(json_object_get(check, "severity")) ||
            !json_is_string(json_object_get(check, "message")))
            return false;
    }
    return json_is_array(checks);
}

/* Draws a word, which may be "", in the margin. */
static void draw_word(const char *word, const struct table_style *style, struct text *ret)
{
    autofree char *label = xstrdup(word);

    for (char *c = label; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    autofree char *cell = cell_escape(label);
    size_t width = cell_width(cell);
    cell_draw(cell, strlen(cell), style->colour ? cell_colour(word) : "", ret);
    text_printf(ret, "%*s", width < MARGIN ? (int)(MARGIN - width) : 1, "");
}

/* Draws a word in the margin and text beside it. */
static void draw_item(const char *word, const char *text, enum type type, const struct table_style *style,
                      struct text *ret)
{
    size_t width = style->width > 2 * MARGIN ? style->width - MARGIN : style->width != 0 ? MARGIN : 0;
    autofree char *cell = cell_escape(text);

    draw_word(word, style, ret);
    cell_wrap(cell, width, MARGIN, style->colour ? types[type] : "", ret);
}

/* Draws the items of a list as one paragraph: the field `first` of each and, in brackets, the field `second`
 * (may be NULL) of those that have it. */
static void draw_list(const char *word, const json_t *list, const char *first, const char *second,
                      const struct table_style *style, struct text *ret)
{
    autotext struct text text = {0};
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) {
        const char *more = second != NULL ? json_text(item, second) : "";
        text_printf(&text, "%s%s", i > 0 ? ", " : "", json_text(item, first));
        if (more[0] != '\0')
            text_printf(&text, " (%s)", more);
    }
    if (text.length > 0)
        draw_item(word, text_string(&text), TYPE_PLAIN, style, ret);
}

static const char *verdict_of(const json_t *reply)
{
    const json_t *check;
    size_t i;

    if (json_object_get(reply, "verdict") != NULL)
        return json_text(reply, "verdict");
    json_array_foreach(json_object_get(reply, "checks"), i, check) {
        if (strcmp(json_text(check, "severity"), "error") == 0)
            return "blocked";
    }
    return "ready";
}

/* `seconds` are counted from 1970. */
static void append_time(struct text *text, const json_t *seconds)
{
    time_t time = (time_t)json_integer_value(seconds);
    struct tm parts;
    char line[64];

    if (localtime_r(&time, &parts) != NULL && strftime(line, sizeof(line), "%F %T", &parts) > 0)
        text_append(text, line);
}

static void draw_waiting(const json_t *waiting, const struct table_style *style, struct text *ret)
{
    autotext struct text text = {0};

    text_printf(&text, "%s: waiting for the kernel since ", json_text(waiting, "step"));
    append_time(&text, json_object_get(waiting, "since"));
    draw_item("waiting", text_string(&text), TYPE_PLAIN, style, ret);
}

static void draw_reset(const json_t *reset, const struct table_style *style, struct text *ret)
{
    bool worked = json_integer_value(json_object_get(reset, "ok")) != 0;
    autotext struct text text = {0};

    text_printf(&text, "%s, by %s at ", worked ? "worked" : "last reset", json_text(reset, "method"));
    append_time(&text, json_object_get(reset, "time"));
    text_printf(&text, "%s%s", worked ? "" : ": ", json_text(reset, "message"));
    draw_item(worked ? "reset" : "failed", text_string(&text), TYPE_PLAIN, style, ret);
}

/* Draws what the broker knows of a device. */
static void draw_state(const json_t *state, const struct table_style *style, struct text *ret)
{
    const json_t *waiting = json_object_get(state, "waiting"), *reset = json_object_get(state, "reset");
    const char *task = json_text(state, "task"), *previous = json_text(state, "previous-driver"),
               *persistent = json_text(state, "persistent-driver");
    autotext struct text drivers = {0};

    if (task[0] != '\0')
        draw_item("task", task, TYPE_PLAIN, style, ret);
    if (waiting != NULL)
        draw_waiting(waiting, style, ret);
    if (reset != NULL)
        draw_reset(reset, style, ret);
    if (previous[0] != '\0')
        text_printf(&drivers, "previously %s (`restore` brings it back)", previous);
    if (persistent[0] != '\0')
        text_printf(&drivers, "%s%s whenever the broker starts", drivers.length > 0 ? "; " : "", persistent);
    if (drivers.length > 0)
        draw_item("driver", text_string(&drivers), TYPE_PLAIN, style, ret);
}

/* Draws what a hostpciN gets. */
static void draw_device(const json_t *device, const struct table_style *style, struct text *ret)
{
    const char *mapping = json_text(device, "mapping"), *mdev = json_text(device, "mdev");
    const json_t *refused = json_object_get(device, "refused"), *part;
    autotext struct text text = {0};
    size_t i;

    json_array_foreach(json_object_get(device, "chosen"), i, part) {
        autofree char *id = cell_of_value(part);
        text_printf(&text, "%s%s", i > 0 ? ", " : "", id);
    }
    text_append(&text, text.length == 0 ? "none" : "");
    if (mapping[0] != '\0')
        text_printf(&text, ", of mapping %s", mapping);
    if (mdev[0] != '\0')
        text_printf(&text, ", as a mediated device of type %s", mdev);
    draw_item(json_text(device, "key"), text_string(&text), TYPE_PLAIN, style, ret);
    json_array_foreach(refused, i, part) {
        autofree char *reason = xasprintf("not %s: %s", json_text(part, "path"), json_text(part, "reason"));
        draw_item("", reason, TYPE_PLAIN, style, ret);
    }
    draw_list("detaches", json_object_get(device, "detaches"), "id", "driver", style, ret);
}

static void draw_head(const json_t *reply, const struct table_style *style, struct text *ret)
{
    static const char *const names[] = {"vendor_name", "device_name"};
    const char *id = json_text(reply, "id"), *summary = json_text(reply, "summary");
    bool vm = json_object_get(reply, "startable") != NULL;
    autotext struct text title = {0};
    const json_t *device;
    size_t at;

    text_append(&title, id[0] != '\0' ? id : vm ? "This VM" : "This host");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *name = json_text(reply, names[i]);
        text_printf(&title, "%s%s", name[0] != '\0' ? " " : "", name);
    }
    draw_item(verdict_of(reply), text_string(&title), TYPE_BOLD, style, ret);
    if (summary[0] != '\0')
        draw_item("", summary, TYPE_PLAIN, style, ret);
    draw_list("detaches", json_object_get(reply, "detaches"), "id", "driver", style, ret);
    draw_state(json_object_get(reply, "state"), style, ret);
    json_array_foreach(json_object_get(reply, "devices"), at, device)
        draw_device(device, style, ret);
}

static void draw_check(const json_t *check, const struct table_style *style, struct text *ret)
{
    autofree char *message = xasprintf("%s [%s]", json_text(check, "message"), json_text(check, "id"));
    const char *evidence = json_text(check, "evidence");

    text_append(ret, "\n");
    draw_item(json_text(check, "severity"), message, TYPE_PLAIN, style, ret);
    if (evidence[0] != '\0')
        draw_item("", evidence, TYPE_DIM, style, ret);
    cell_escape_lines(json_text(check, "remedy"), REPORT_REMEDY_INDENT, ret);
}

void report_draw_finding(const json_t *finding, const struct table_style *style, struct text *ret)
{
    const json_t *action = json_object_get(finding, "action");
    autotext struct text request = {0};
    const char *name;
    json_t *value;

    draw_check(finding, style, ret);
    if (action == NULL)
        return;
    text_printf(&request, "%s %s", json_text(action, "method"), json_text(action, "path"));
    json_object_foreach(json_object_get(action, "parameters"), name, value) {
        autofree char *number = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        text_printf(&request, " %s=%s", name, number != NULL ? number : json_string_value(value));
    }
    draw_item("action", text_string(&request), TYPE_PLAIN, style, ret);
}

static void draw_checks(const json_t *checks, const struct table_style *style, struct text *ret)
{
    autojson json_t *fine = json_array();
    json_t *check;
    size_t i;

    json_array_foreach(checks, i, check) {
        if (is_ok(check))
            json_array_append(fine, check);
        else
            draw_check(check, style, ret);
    }
    if (json_array_size(fine) == 0)
        return;
    text_append(ret, "\n");
    draw_list("ok", fine, "id", NULL, style, ret);
}

static void draw_uses(const json_t *uses, const struct table_style *style, struct text *ret)
{
    const json_t *use;
    size_t i;

    if (json_array_size(uses) > 0)
        text_append(ret, "\nUsed by the host:\n");
    json_array_foreach(uses, i, use) {
        autofree char *text = xasprintf("%s: %s", json_text(use, "id"), json_text(use, "message"));
        draw_item(json_text(use, "weight"), text, TYPE_PLAIN, style, ret);
    }
}

json_t *report_draw(const json_t *reply, const struct table_style *style, struct text *ret)
{
    static const char *const drawn[] = {"id",      "vendor_name", "device_name", "verdict",
                                        "summary", "detaches",    "checks",      "host-use",
                                        "state",   "startable",   "devices"};
    json_t *rest = json_copy((json_t *)reply);

    draw_head(reply, style, ret);
    draw_checks(json_object_get(reply, "checks"), style, ret);
    draw_uses(json_object_get(reply, "host-use"), style, ret);
    for (size_t i = 0; i < COUNT_OF(drawn); i++)
        json_object_del(rest, drawn[i]);
    return rest;
}
