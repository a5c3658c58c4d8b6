/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines as one types them into a shell, in whose path are hostpci and, as links to it, qm and pvesh; they
 * talk to the test's daemon. */
#ifndef HOSTPCI_TESTS_API_SHELL_H
#define HOSTPCI_TESTS_API_SHELL_H

/* Once, after the daemon's start: from now on the shell is what program_run() starts. */
void shell_start(void);

/* The folder of the links, where tests may put files. */
const char *shell_folder(void);

/* The line must succeed. Gives what it printed, which the caller frees. */
char *shell_type(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
