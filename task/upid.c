/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPID: the name of a task. */
#include "task/upid.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

enum field { PREFIX, NODE, PID, PROCESS_START, START, TYPE, ID, USER, END, FIELD_COUNT };

_Static_assert(sizeof("UPID:") + 4 * sizeof("123456789") + sizeof(((struct upid *)NULL)->node) +
                       sizeof(((struct upid *)NULL)->type) + 3 * sizeof(((struct upid *)NULL)->id) +
                       sizeof(((struct upid *)NULL)->user) <
                   UPID_SIZE,
               "UPID_SIZE is enough for the longest UPID");

void upid_format(const struct upid *upid, char text[static UPID_SIZE])
{
    char id[3 * sizeof(upid->id)] = "", *end = id;

    for (const char *c = upid->id; *c != '\0'; c++)
        end += snprintf(end, 4, strchr(PLAIN, *c) != NULL ? "%c" : "@%02x", (unsigned char)*c);
    snprintf(text, UPID_SIZE, "UPID:%s:%08" PRIX64 ":%08" PRIX64 ":%08" PRIX64 ":%s:%s:%s:", upid->node,
             upid->pid, upid->process_start, upid->start, upid->type, id, upid->user);
}

static bool split(char *text, char *fields[static FIELD_COUNT])
{
    size_t count = 0;

    for (char *field; (field = strsep(&text, ":")) != NULL; count++) {
        if (count == FIELD_COUNT)
            return false;
        fields[count] = field;
    }
    return count == FIELD_COUNT && strcmp(fields[PREFIX], "UPID") == 0 && fields[END][0] == '\0';
}

static bool copy_word(const char *field, char *to, size_t size)
{
    size_t length = strlen(field);

    if (length == 0 || length >= size || strpbrk(field, " \t\r\n\v\f/") != NULL)
        return false;
    memcpy(to, field, length + 1);
    return true;
}

static bool decode_id(const char *field, char *to, size_t size)
{
    unsigned long long byte;

    for (; *field != '\0'; size--) {
        if (size == 1)
            return false;
        if (strchr(PLAIN, *field) != NULL) {
            *to++ = *field++;
            continue;
        }
        const char digits[] = {field[0] == '@' ? field[1] : '\0', field[1] != '\0' ? field[2] : '\0', '\0'};
        if (strlen(digits) != 2 || !text_to_number(digits, 16, UINT8_MAX, &byte) || byte == 0)
            return false;
        *to++ = (char)byte;
        field += 3;
    }
    *to = '\0';
    return true;
}

static bool read_number(const char *field, size_t most_digits, uint64_t *ret)
{
    size_t length = strlen(field);
    unsigned long long number;

    if (length < 8 || length > most_digits || !text_to_number(field, 16, UINT64_MAX, &number))
        return false;
    *ret = number;
    return true;
}

bool upid_parse(const char *text, struct upid *ret)
{
    char copy[UPID_SIZE], *fields[FIELD_COUNT];
    struct upid upid;

    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    if (!split(copy, fields) || !copy_word(fields[NODE], upid.node, sizeof(upid.node)) ||
        !read_number(fields[PID], 8, &upid.pid) ||
        !read_number(fields[PROCESS_START], 9, &upid.process_start) ||
        !read_number(fields[START], 8, &upid.start) ||
        !copy_word(fields[TYPE], upid.type, sizeof(upid.type)) ||
        !decode_id(fields[ID], upid.id, sizeof(upid.id)) ||
        !copy_word(fields[USER], upid.user, sizeof(upid.user)))
        return false;
    *ret = upid;
    return true;
}
