/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that tests start: those built together with the tests, or what $HOSTPCI_BINARY and
 * $HOSTPCI_MAKE_HOST name. */
#ifndef HOSTPCI_TESTS_API_PROGRAM_H
#define HOSTPCI_TESTS_API_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

#define PROGRAM_SECONDS      30 /* for what is done in a moment: sanitizers on a busy machine */
#define PROGRAM_OUTPUT_LIMIT ((size_t)64 * 1024 * 1024)

const char *program_hostpci(void);
/* The one that serves: $HOSTPCI_DAEMON names another than the client's. */
const char *program_daemon(void);
/* One whose broker stops at HOSTPCI_BROKER_STOP_AT (tests/stop_at.c). */
const char *program_stoppable(void);
const char *program_make_host(void);

/* Starts it with its output and its errors (appended) in these files; it ends with the test. No file that it
 * writes may become larger than file_limit; 0: no limit. */
pid_t program_start(const char *const *argv, const char *output, const char *errors, unsigned file_limit);

/* Its wait status; -1 if it still runs after that time. */
int program_wait(pid_t pid, unsigned seconds);

/* `hostpci ARGUMENTS...` (ends with NULL) to its end. Gives what it wrote to standard output, which the
 * caller frees; checks that it succeeds, or that it ends with this status and says `text` on standard error.
 */
char *program_run(const char *const *arguments);
void program_fails(int status, const char *text, const char *const *arguments);

#endif
