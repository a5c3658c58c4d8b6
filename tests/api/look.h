/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at replies: members by name, rows by a member, whole documents. What is missing fails the test. */
#ifndef HOSTPCI_TESTS_API_LOOK_H
#define HOSTPCI_TESTS_API_LOOK_H

#include <jansson.h>
#include <stdbool.h>

json_t *member(const json_t *object, const char *name);
const char *text_of(const json_t *object, const char *name);
long long number_of(const json_t *object, const char *name);
bool has(const json_t *object, const char *name);

/* The row of a list whose `name` is the string `value`. */
json_t *row(const json_t *list, const char *name, const char *value);
bool has_row(const json_t *list, const char *name, const char *value);

/* Equal to the expected JSON, in which ' stands for ". */
void is_json(const json_t *value, const char *expected);

#endif
