/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a request. */
#include "server/http/head.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "server/http/http.h"
#include "server/request/request.h"

/* Whether there are from `least` to `most` bytes before `next`, all of them among `bytes` or NUL. */
static bool is_gap(const char *at, const char *next, ptrdiff_t least, ptrdiff_t most, const char *bytes)
{
    if (next - at < least || next - at > most)
        return false;
    while (at < next && strchr(bytes, *at) != NULL)
        at++;
    return at == next;
}

void head_begin(struct head *head, const struct head_line *line, const char *end)
{
    head->version = line->version;
    head->end = end;
    if (end == NULL)
        return;
    head->misplaced = !is_gap(line->method + strlen(line->method), line->uri, 1, 1, "") ||
                      !is_gap(line->uri_end, line->version, 1, 1, "");
    head->next = line->version + strlen(line->version);
}

/* RFC 9110, 5.6.2 */
static bool is_token(const char *name)
{
    static const char characters[] =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return name[0] != '\0' && name[strspn(name, characters)] == '\0';
}

static void check_place(struct head *head, const char *name, const char *value)
{
    const char *colon = name + strlen(name);

    if (!is_gap(head->next, name, 1, 2, "") || !is_gap(colon, value, 1, HTTP_HEAD_LIMIT, " \t"))
        head->misplaced = true;
    head->next = value + strlen(value);
}

void head_add(struct head *head, const char *name, const char *value)
{
    bool length = strcasecmp(name, "Content-Length") == 0;

    if (head->next != NULL)
        check_place(head, name, value);
    head->misplaced |= strchr(value, '\r') != NULL;
    if (!is_token(name))
        head->misnamed = name;
    head->lines++;
    head->length += strlen(name) + strlen(value) + strlen(": \r\n");
    head->hosts += strcasecmp(name, "Host") == 0;
    if (length || strcasecmp(name, "Transfer-Encoding") == 0) {
        head->lengths++;
        head->content_length = REQUEST_LENGTH_UNKNOWN;
    }
    if (length)
        text_to_number(value, 10, ~0ULL, &head->content_length);
}

int head_check(const struct head *head, struct error *err)
{
    if (head->misplaced || (head->next != NULL && !is_gap(head->next, head->end, 2, 4, "")))
        return error_set(err, ERROR_UNREADABLE,
                         "the request line or a header holds a NUL byte, or a header is folded: send each "
                         "header on one line");
    if (head->misnamed != NULL)
        return error_set(err, ERROR_UNREADABLE,
                         "'%.60s' is not the name of a header: no blank may stand before the colon",
                         head->misnamed);
    if (head->lengths > 1)
        return error_set(
            err, ERROR_UNREADABLE,
            "the length of the body is given more than once (Content-Length, Transfer-Encoding)");
    if (head->hosts > 1 || (head->hosts == 0 && strcmp(head->version, "HTTP/1.0") != 0))
        return error_set(err, ERROR_UNREADABLE, "the header Host was sent %u times: send it once",
                         head->hosts);
    if (head->lines > HTTP_HEADER_LIMIT)
        return error_set(err, ERROR_UNREADABLE, "too many header lines: %u, at most %d are allowed",
                         head->lines, HTTP_HEADER_LIMIT);
    if (head->length > HTTP_HEAD_LIMIT)
        return error_set(err, ERROR_UNREADABLE,
                         "request line and headers are too long: %zu bytes, at most %d", head->length,
                         HTTP_HEAD_LIMIT);
    return 0;
}
