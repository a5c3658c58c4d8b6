/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real daemon as a test sees it: `hostpci serve` with folders of its own, on this machine or on a host
 * that was made for it (tests/api/host.h).
 *
 * Each test is a process of its own and has one daemon at a time, unless it chooses among several; calls
 * (tests/api/call.h) go to it. Everything lies below $TMPDIR (default /tmp), which tests/run removes. */
#ifndef HOSTPCI_TESTS_API_DAEMON_H
#define HOSTPCI_TESTS_API_DAEMON_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <sys/types.h>

#define NODE "pve1" /* the daemon's name for itself */

struct daemon_options {
    const char *host;             /* a name that make-host knows; NULL: this machine */
    const char *count;            /* of host "many" */
    bool kernel;                  /* that plays with the host: tests/hosts/kernel.h, and tests/api/broker.h */
    const char *listen;           /* default: http://127.0.0.1:0, plain HTTP on a free port */
    const char *const *arguments; /* more of the command line, ends with NULL */
    bool as_nobody;               /* an ordinary user starts it, also if the test is root's */
    bool own_key;                 /* it makes its state folder and all in it (tests/auth_key.h) */
    unsigned file_limit;          /* no file may become larger (RLIMIT_FSIZE); 0: no limit */
    const char *folder;           /* where all lies, made if it is not there; NULL: a new one */
};

/* A test after which the daemon must end cleanly and without a sanitizer's complaint. (Not in a .fini:
 * Criterion 2.4 does not count what fails there.) */
#define DAEMON_TEST(suite, name)                                                                             \
    static void suite##_##name##_body(void);                                                                 \
    Test(suite, name)                                                                                        \
    {                                                                                                        \
        suite##_##name##_body();                                                                             \
        daemon_finish();                                                                                     \
    }                                                                                                        \
    static void suite##_##name##_body(void)

/* START(.host = "workstation") starts the test's daemon and waits until it answers. */
#define START(...) daemon_start(&(const struct daemon_options){__VA_ARGS__})
void daemon_start(const struct daemon_options *options);

/* A test of several daemons says which one all that follows is about: 0 (pve1, as long as it says nothing), 1
 * (pve2) or 2 (pve3). Each is started once by START. */
void daemon_choose(unsigned number);

/* SIGTERM, then checks its status and log. Does nothing if none runs. */
void daemon_stop(void);
void daemon_finish(void); /* stops all */
/* Ends it as a power cut would. */
void daemon_kill(void);
/* The same daemon on the same folders once more, after daemon_stop or daemon_kill. */
void daemon_start_again(void);
void daemon_start_with(const char *const *arguments); /* and with these arguments */

/* Runs `serve` on the same folders, with more arguments (ends with NULL), and checks that it ends by itself
 * with a failure that says `text`. */
void daemon_refuses(const char *const *arguments, const char *text);
pid_t daemon_pid(void);
const char *daemon_node(void);      /* its name */
const char *daemon_url(void);       /* of its first listener: "http://127.0.0.1:40001" */
const char *daemon_socket(void);    /* path of the local socket */
const char *daemon_state(void);     /* the state folder */
const char *daemon_run(void);       /* the run folder */
const char *daemon_broker(void);    /* the broker's folder; as root each daemon starts a broker of its own */
const char *daemon_roms(void);      /* where the broker of a played kernel saves ROMs */
const char *daemon_store(void);     /* the folder of the storage `local` */
long long daemon_peak_memory(void); /* KiB that were in memory at once */
char *daemon_log(void);             /* all of its log so far; the caller frees it */

#endif
