/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Criterion's assertions as clang-tidy's analyser sees them. As Criterion writes them, each that holds is
 * three ways through the function (was it counted, is there a message), so that ten of them are 59,049 ways,
 * and the analyser gives up before it has seen the test. What is asserted and the arguments of the message
 * stay. */
#ifndef HOSTPCI_TESTS_ANALYSED_H
#define HOSTPCI_TESTS_ANALYSED_H

#include <criterion/criterion.h>

#undef cr_assert_impl
#define cr_assert_impl(fail, condition, ...)                                                                 \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            char *cr_message;                                                                                \
            CR_EXPAND(cr_asprintf(&cr_message, "x" CR_VA_TAIL(CR_VA_TAIL(CR_VA_TAIL(__VA_ARGS__)))));        \
            cr_asprintf_free(cr_message);                                                                    \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

#endif
