/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that nobody may call: to name one is a compile error, since the Makefile includes this file into
 * every source. Each has a bounded or checked counterpart: snprintf, xasprintf, struct text, strtoull,
 * base/exec.h. */
#ifndef HOSTPCI_BASE_BANNED_H
#define HOSTPCI_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef sprintf /* with clang and _FORTIFY_SOURCE these two are macros of glibc */
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison atoi atol atoll atof system popen gets

#endif
