/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quoting words for a shell.
 *
 * What is quoted here is shown to a person, who pastes it into a terminal; hostpci itself never runs a shell.
 */
#ifndef HOSTPCI_BASE_SHELL_H
#define HOSTPCI_BASE_SHELL_H

#include "base/text.h"

/* Appends the word so that a shell reads it back as one word, whatever bytes are in it. A word that needs no
 * quotes gets none; control characters and bytes that are not UTF-8 are written as $'\012'. */
void shell_quote(struct text *text, const char *word);

#endif
