/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables with borders. */
#include "client/print/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "client/print/cell.h"

/* A column is not made narrower than this, because shorter pieces of names are unreadable. Nor is it made
 * narrower than half of its widest cell, or a quarter of the table: the last columns are left out instead. */
#define NARROWEST ((size_t)12)

/* The pieces of a border: its left end, crossings, right end, and the line itself. */
struct border {
    const char *left, *cross, *right, *line;
};
enum { BORDER_TOP, BORDER_HEADER, BORDER_ROW, BORDER_BOTTOM, BORDER_BAR };
static const struct border borders[2][5] = {
    {{"+", "+", "+", "-"},
     {"+", "+", "+", "="},
     {"+", "+", "+", "-"},
     {"+", "+", "+", "-"},
     {"|", "|", "|", " "}},
    {{"┌", "┬", "┐", "─"},
     {"╞", "╪", "╡", "═"},
     {"├", "┼", "┤", "─"},
     {"└", "┴", "┘", "─"},
     {"│", "│", "│", " "}},
};

/* How one table is drawn: decided once, before the first line. */
struct layout {
    const struct table *table;
    const struct table_style *style;
    size_t shown;   /* columns */
    size_t *widths; /* of each */
};

struct table table_new(size_t columns, size_t rows)
{
    return (struct table){.columns = columns,
                          .rows = rows,
                          .cells = xcalloc(columns * rows, sizeof(char *)),
                          .right = xcalloc(columns, sizeof(bool)),
                          .judged = xcalloc(columns, sizeof(bool))};
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->columns * table->rows; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table->right);
    free(table->judged);
    *table = (struct table){0};
}

void table_set(struct table *table, size_t row, size_t column, char *cell)
{
    table->cells[row * table->columns + column] = cell;
}

static const char *cell_at(const struct table *table, size_t row, size_t column)
{
    return table->cells[row * table->columns + column];
}

static bool is_empty(const struct table *table, size_t column)
{
    for (size_t row = 1; row < table->rows; row++)
        if (cell_at(table, row, column)[0] != '\0')
            return false;
    return true;
}

void table_drop_empty(struct table *table)
{
    autofree bool *keep = xcalloc(table->columns, sizeof(bool));
    struct table rest = *table;

    rest.columns = 0;
    for (size_t column = 0; column < table->columns; column++) {
        keep[column] = !is_empty(table, column);
        rest.right[rest.columns] = table->right[column];
        rest.judged[rest.columns] = table->judged[column];
        rest.columns += keep[column];
    }
    for (size_t i = 0, next = 0; i < table->columns * table->rows; i++)
        if (keep[i % table->columns])
            table->cells[next++] = table->cells[i];
        else
            free(table->cells[i]);
    *table = rest;
}

static size_t natural_width(const struct layout *layout, size_t column)
{
    size_t widest = 1;

    for (size_t row = layout->style->no_header; row < layout->table->rows; row++) {
        size_t width = cell_width(cell_at(layout->table, row, column));
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* The width of a column when those that are wider than `limit` shrink. It stays wide enough to be read,
 * unless it is the only column left. */
static size_t width_at(const struct layout *layout, size_t column, size_t limit)
{
    size_t natural = layout->widths[column];
    size_t least = natural / 2, quarter = layout->style->width / 4;

    least = least > quarter ? quarter : least;
    least = least < NARROWEST ? NARROWEST : least;
    if (layout->shown > 1 && limit < least)
        limit = least;
    return natural < limit ? natural : limit;
}

/* The width of the whole table, borders and gaps included. */
static size_t width_with_limit(const struct layout *layout, size_t limit)
{
    size_t width = layout->style->no_border ? 2 * (layout->shown - 1) : 3 * layout->shown + 1;

    for (size_t column = 0; column < layout->shown; column++)
        width += width_at(layout, column, limit);
    return width;
}

/* Makes the table fit: only the widest columns shrink, all to the same limit. */
static void shrink(struct layout *layout)
{
    size_t room = layout->style->width, limit = room;

    while (layout->shown > 1 && width_with_limit(layout, 0) > room)
        layout->shown--;
    while (limit > 1 && width_with_limit(layout, limit) > room)
        limit--;
    size_t needed = width_with_limit(layout, limit);
    size_t spare = room > needed ? room - needed : 0;
    for (size_t column = 0; column < layout->shown; column++) {
        size_t width = width_at(layout, column, limit);
        bool wider = spare > 0 && width < layout->widths[column];
        layout->widths[column] = width + wider;
        spare -= wider;
    }
}

static void draw_times(const char *piece, size_t times, struct text *ret)
{
    for (size_t i = 0; i < times; i++)
        text_append(ret, piece);
}

static void draw_border(const struct layout *layout, int which, struct text *ret)
{
    const struct border *border = &borders[layout->style->unicode][which];

    if (layout->style->no_border)
        return;
    for (size_t column = 0; column < layout->shown; column++) {
        text_append(ret, column == 0 ? border->left : border->cross);
        draw_times(border->line, layout->widths[column] + 2, ret);
    }
    text_append(ret, border->right);
    text_append(ret, "\n");
}

/* The escape sequence before a cell. */
static const char *type_of(const struct layout *layout, size_t column, const char *cell, bool header)
{
    if (!layout->style->colour)
        return "";
    if (header)
        return "\033[1m";
    return layout->table->judged[column] ? cell_colour(cell) : "";
}

/* Draws the next line of a cell, padded to the width of the column; returns the rest of the cell. */
static const char *draw_piece(const struct layout *layout, size_t column, const char *rest, bool header,
                              struct text *ret)
{
    size_t width = 0, bytes = cell_break(rest, layout->widths[column], &width);
    size_t fill = layout->widths[column] > width ? layout->widths[column] - width : 0;
    const char *type = type_of(layout, column, rest, header);

    if (layout->table->right[column])
        draw_times(" ", fill, ret);
    cell_draw(rest, bytes, type, ret);
    if (!layout->table->right[column] && !(layout->style->no_border && column + 1 == layout->shown))
        draw_times(" ", fill, ret);
    return rest + bytes;
}

/* Draws one line of a row; false if it was the last one. */
static bool draw_line(const struct layout *layout, const char **rests, bool header, struct text *ret)
{
    const char *bar = layout->style->no_border ? "" : borders[layout->style->unicode][BORDER_BAR].line;
    const struct border *border = &borders[layout->style->unicode][BORDER_BAR];
    bool more = false;

    for (size_t column = 0; column < layout->shown; column++) {
        if (!layout->style->no_border)
            text_printf(ret, "%s%s", column == 0 ? border->left : border->cross, bar);
        rests[column] = draw_piece(layout, column, rests[column], header, ret);
        more = more || rests[column][0] != '\0';
        if (!layout->style->no_border)
            text_append(ret, bar);
        else if (column + 1 < layout->shown)
            text_append(ret, "  ");
    }
    text_printf(ret, "%s\n", layout->style->no_border ? "" : border->right);
    return more;
}

static void draw_row(const struct layout *layout, size_t row, struct text *ret)
{
    autofree const char **rests = xcalloc(layout->shown, sizeof(char *));

    for (size_t column = 0; column < layout->shown; column++)
        rests[column] = cell_at(layout->table, row, column);
    while (draw_line(layout, rests, row == 0, ret))
        ;
}

/* A row that takes several lines gets a border on both sides. */
static bool is_wrapped(const struct layout *layout, size_t row)
{
    for (size_t column = 0; column < layout->shown; column++)
        if (cell_width(cell_at(layout->table, row, column)) > layout->widths[column])
            return true;
    return false;
}

static void name_left_out(const struct layout *layout, struct text *ret)
{
    autotext struct text names = {0};

    if (layout->shown == layout->table->columns)
        return;
    text_append(&names, "No room for:");
    for (size_t column = layout->shown; column < layout->table->columns; column++)
        text_printf(&names, "%s %s", column == layout->shown ? "" : ",", cell_at(layout->table, 0, column));
    text_append(&names, " (--output-format json-pretty shows all)");
    cell_wrap(text_string(&names), layout->style->width, 0, "", ret);
}

void table_draw(const struct table *table, const struct table_style *style, struct text *ret)
{
    struct layout layout = {.table = table, .style = style, .shown = table->columns};
    autofree size_t *widths = layout.widths = xcalloc(table->columns, sizeof(size_t));

    if (table->columns == 0)
        return;
    for (size_t column = 0; column < table->columns; column++)
        widths[column] = natural_width(&layout, column);
    if (style->width != 0 && width_with_limit(&layout, style->width) > style->width)
        shrink(&layout);
    draw_border(&layout, BORDER_TOP, ret);
    if (!style->no_header) {
        draw_row(&layout, 0, ret);
        draw_border(&layout, BORDER_HEADER, ret);
    }
    for (size_t row = 1; row < table->rows; row++) {
        if (row > 1 && (is_wrapped(&layout, row - 1) || is_wrapped(&layout, row)))
            draw_border(&layout, BORDER_ROW, ret);
        draw_row(&layout, row, ret);
    }
    draw_border(&layout, BORDER_BOTTOM, ret);
    name_left_out(&layout, ret);
}
