/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that this program does not use: a call of one is a compile error. The Makefile includes this file
 * into every source. Each has a bounded or checked counterpart: snprintf, xasprintf, struct text, strtoull,
 * posix_spawn. */
#ifndef HOSTPCI_BASE_BANNED_H
#define HOSTPCI_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef sprintf /* glibc makes macros of them for clang when _FORTIFY_SOURCE is set */
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison atoi atol atoll atof system popen gets

#endif
