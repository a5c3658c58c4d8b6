/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving functions between drivers through the API, and the tasks that do it.
 *
 *   MOVE(CARD, "vfio-pci", .scope = "group");         must succeed
 *   MOVE_FAILS("the host uses", CARD, "vfio-pci");    its task must fail and say that
 *   autofree char *upid = MOVE_BEGIN(CARD, "auto");   goes on by itself */
#ifndef HOSTPCI_TESTS_API_LAB_MOVE_H
#define HOSTPCI_TESTS_API_LAB_MOVE_H

#include <jansson.h>
#include <stdbool.h>

struct move {
    const char *id, *driver;
    const char *scope;      /* NULL: not given */
    const char *persistent; /* "0", "1"; NULL: not given */
    bool force;
};

#define MOVE_OF(function, name, ...) (&(const struct move){.id = (function), .driver = (name), __VA_ARGS__})
#define MOVE(...)                    move_succeeds(MOVE_OF(__VA_ARGS__))
#define MOVE_FAILS(text, ...)        move_fails(text, MOVE_OF(__VA_ARGS__))
#define MOVE_BEGIN(...)              move_begin(MOVE_OF(__VA_ARGS__))

/* Gives the UPID, which the caller frees, as all texts below. */
char *move_begin(const struct move *move);
/* Give the task's log. */
char *move_succeeds_log(const struct move *move);
char *move_fails_log(const char *text, const struct move *move);
void move_succeeds(const struct move *move);
void move_fails(const char *text, const struct move *move);

/* POST .../reset, the same way. */
char *reset_begin(const char *id, bool force);

bool task_runs(const char *upid);
/* The whole log, a line each. */
char *task_text(const char *upid);
/* Waits until its log says that. */
void task_says(const char *upid, const char *text);
/* Waits for its end, some minutes; gives its exit status. */
char *task_end(const char *upid);
void task_succeeds(const char *upid);
void task_fails(const char *upid, const char *text);

void contains(const char *text, const char *part);

#endif
