/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For suites that mistreat the daemon: after each test it must still answer, and nothing may have changed. */
#ifndef HOSTPCI_TESTS_API_UNHARMED_H
#define HOSTPCI_TESTS_API_UNHARMED_H

/* The suite's .init. There is a mapping "gpu" and a token "root@pam!ci". */
void unharmed_start(void);

void unharmed_stop(void);
#define UNHARMED_TEST(suite, name)                                                                           \
    static void suite##_##name##_body(void);                                                                 \
    Test(suite, name)                                                                                        \
    {                                                                                                        \
        suite##_##name##_body();                                                                             \
        unharmed_stop();                                                                                     \
    }                                                                                                        \
    static void suite##_##name##_body(void)

#endif
