/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells: text that is safe for a terminal, and measured in its columns. */
#include "client/print/cell.h"

#include <langinfo.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "base/memory.h"

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"

bool cell_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Decodes one character of UTF-8, whatever the locale is; gives the number of its bytes, 0 if they are not
 * valid. */
static size_t decode(const char *text, wchar_t *ret)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xc0 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf8 ? 4
                                   : 0;
    unsigned code = length < 2 ? first : first & (0x7fu >> length);

    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (length > 1 && (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
        return 0;
    *ret = (wchar_t)code;
    return length;
}

/* U+202A and its like reorder the text around them, and could make a name look like another one. */
static bool is_direction_mark(wchar_t code)
{
    return code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

static bool can_show(wchar_t code)
{
    return code < 0x80 ? code >= 0x20 && code < 0x7f
                       : cell_is_utf8() && wcwidth(code) >= 0 && !is_direction_mark(code);
}

static void append_escaped(struct text *text, wchar_t code)
{
    if (code == '\n' || code == '\t')
        text_append(text, code == '\n' ? "\\n" : "\\t");
    else
        text_printf(text, code < 0x80 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)code);
}

char *cell_escape(const char *text)
{
    struct text cell = {0};

    while (*text != '\0') {
        wchar_t code = 0;
        size_t length = decode(text, &code);
        if (length == 0)
            text_printf(&cell, "\\x%02x", (unsigned char)*text);
        else if (can_show(code))
            text_append_bytes(&cell, text, length);
        else
            append_escaped(&cell, code);
        text += length != 0 ? length : 1;
    }
    return text_take(&cell);
}

void cell_escape_lines(const char *text, const char *indent, struct text *ret)
{
    for (size_t length; *text != '\0'; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        bool ends_with_return = length > 0 && text[length - 1] == '\r' && text[length] == '\n';
        autofree char *line = xstrndup(text, length - ends_with_return), *cell = cell_escape(line);
        text_printf(ret, "%s%s\n", indent, cell);
    }
}

char *cell_of_value(const json_t *value)
{
    if (value == NULL || json_is_null(value))
        return xstrdup("");
    if (json_is_string(value))
        return cell_escape(json_string_value(value));
    if (json_is_boolean(value))
        return xstrdup(json_is_true(value) ? "1" : "0");
    autofree char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    return cell_escape(dump != NULL ? dump : "");
}

/* Steps over one character, and adds its columns. */
static size_t step(const char *cell, size_t *width)
{
    wchar_t code = 0;
    size_t length = decode(cell, &code);
    int columns = length != 0 ? wcwidth(code) : 1;

    *width += columns > 0 ? (size_t)columns : 0;
    return length != 0 ? length : 1;
}

size_t cell_width(const char *cell)
{
    size_t width = 0;

    while (*cell != '\0')
        cell += step(cell, &width);
    return width;
}

size_t cell_break(const char *cell, size_t limit, size_t *ret_width)
{
    size_t used = 0, width = 0, good = 0, good_width = 0, content = 0;

    while (cell[used] != '\0') {
        size_t wider = width, bytes = step(cell + used, &wider);
        if (wider > limit && used > 0 && cell[used] != ' ')
            break;
        if (cell[used] != ' ')
            content = wider;
        else if (wider > limit && used > 0)
            wider = width; /* a blank at the margin takes no column */
        used += bytes;
        width = wider;
        if (cell[used - 1] == ' ' || cell[used - 1] == ',') {
            good = used;
            good_width = content;
        }
    }
    if (cell[used] == '\0' || good_width * 3 < limit) {
        *ret_width = content;
        return used;
    }
    *ret_width = good_width;
    return good;
}

const char *cell_colour(const char *word)
{
    static const struct {
        const char *word, *colour;
    } colours[] = {
        {"ready", GREEN},   {"ok", GREEN},       {"possible", YELLOW}, {"warning", YELLOW},
        {"active", YELLOW}, {"blocked", RED},    {"error", RED},       {"critical", RED},
        {"info", CYAN},     {"waiting", YELLOW}, {"failed", RED},
    };

    for (size_t i = 0; i < COUNT_OF(colours); i++)
        if (strcmp(word, colours[i].word) == 0)
            return colours[i].colour;
    return "";
}

void cell_draw(const char *cell, size_t length, const char *type, struct text *ret)
{
    while (length > 0 && cell[length - 1] == ' ')
        length--;
    text_append(ret, type);
    text_append_bytes(ret, cell, length);
    text_append(ret, type[0] != '\0' ? "\033[0m" : "");
}

void cell_wrap(const char *cell, size_t width, size_t indent, const char *type, struct text *ret)
{
    const char *rest = cell;

    do {
        size_t used, bytes = cell_break(rest, width != 0 ? width : SIZE_MAX, &used);
        text_printf(ret, "%*s", rest == cell ? 0 : (int)indent, "");
        cell_draw(rest, bytes, type, ret);
        text_append(ret, "\n");
        rest += bytes;
    } while (*rest != '\0');
}
