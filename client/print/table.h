/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables with borders.
 *
 * A table has rows of cells (client/print/cell.h); row 0 is the header. It is drawn as wide as its cells are,
 * or made to fit a given width: then long cells are wrapped, and if that is not enough, the last columns are
 * left out and named below the table. */
#ifndef HOSTPCI_CLIENT_PRINT_TABLE_H
#define HOSTPCI_CLIENT_PRINT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct table_style {
    bool terminal; /* a person reads it */
    bool unicode;  /* borders of box characters, else of + - | */
    bool no_border;
    bool no_header;
    bool colour;  /* the header is bold, and judgements have colours */
    size_t width; /* of the terminal, in columns; 0: no limit */
};

struct table {
    size_t columns;
    size_t rows;  /* with the header */
    char **cells; /* columns * rows of them, owned, none NULL */
    bool *right;  /* columns that are aligned to the right */
    bool *judged; /* columns of judgements, which are coloured */
};

struct table table_new(size_t columns, size_t rows);
void table_release(struct table *table);
#define autotable __attribute__((cleanup(table_release)))

/* Takes ownership of the cell. */
void table_set(struct table *table, size_t row, size_t column, char *cell);

/* Removes the columns in which every row but the header is empty. */
void table_drop_empty(struct table *table);

void table_draw(const struct table *table, const struct table_style *style, struct text *ret);

#endif
