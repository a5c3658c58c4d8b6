/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs: one is run with an argument vector, never by a shell, and its output is kept. */
#ifndef HOSTPCI_BASE_EXEC_H
#define HOSTPCI_BASE_EXEC_H

#include "base/error.h"

#define EXEC_OUTPUT_LIMIT 8192

/* Runs argv (ends with NULL; argv[0] is an absolute path) with an empty environment but PATH and LC_ALL=C,
 * standard input from /dev/null, waits at most `seconds` and kills it then. 0 if it ended with 0; else -1
 * and an error that says how it ended and its last line of output. ret_output (may be NULL) gets what it
 * wrote to both outputs, cut at EXEC_OUTPUT_LIMIT, also on failure; the caller frees it. */
int exec_run(const char *const *argv, unsigned seconds, char **ret_output, struct error *err);

#endif
