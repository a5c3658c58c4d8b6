/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The variants of the golden host: names and slices of them. */
#ifndef HOSTPCI_TESTS_UNIT_HARDWARE_CHECK_VARIANT_H
#define HOSTPCI_TESTS_UNIT_HARDWARE_CHECK_VARIANT_H

#include <criterion/parameterized.h>
#include <stddef.h>

/* VARIANT.json has what is to be said of the variant. */
#define VARIANTS "tests/golden"

/* The variants are shared out among this many processes: number N takes every VARIANT_SLICESth, from N on. */
#define VARIANT_SLICES 6

/* The parameters of a test that looks at a slice: a `size_t` each. */
struct criterion_test_params variant_slices(void);

/* All that have an expectation, in order; ends with NULL. The caller frees it (format_free_list). */
char **variant_names(void);
size_t variant_count(char *const *names);

#endif
