/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of docs/checks.md that is about the start of a VM. */
#include "base/memory.h"
#include "passthrough/preflight/parts.h"

void preflight_print_documentation(FILE *out)
{
    fputs("\n## The start of a VM\n\n"
          "`host` and `device` give findings of the tables above, under their ids there.\n\n"
          "| check | looks at | section of the manual | its sentence |\n| --- | --- | --- | --- |\n",
          out);
    for (size_t i = 0; i < preflight_row_count; i++) {
        const struct preflight_row *row = &preflight_rows[i];
        autofree char *id = xasprintf("`%s`%s", row->id, row->blocks ? " *" : "");
        const char *cells[] = {id, row->text, row->section, row->sentence};
        check_print_row(out, cells, COUNT_OF(cells));
    }
}
