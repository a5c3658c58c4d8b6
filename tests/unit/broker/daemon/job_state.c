/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a job: what leads where. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "broker/daemon/job.h"

/* A letter for each state, and for each state the letters of those that it may lead to: for a job that
 * changes something, and for one that only reads. */
static const char letters[] = "srkudlex";
static const char *const changing[JOB_STATES] = {
    [JOB_STARTING] = "rule",      [JOB_RUNNING] = "kule",   [JOB_SILENT] = "rule", [JOB_UNDOING] = "dle",
    [JOB_UNDOING_SILENT] = "ule", [JOB_UNDO_LATER] = "ule", [JOB_ENDING] = "ex",   [JOB_ENDED] = "",
};
static const char *const reading[JOB_STATES] = {
    [JOB_STARTING] = "r", [JOB_RUNNING] = "kx", [JOB_SILENT] = "rx"};

Test(job_state, leads_where_its_table_says_and_nowhere_else)
{
    cr_assert_eq(sizeof(letters) - 1, JOB_STATES);
    for (int from = 0; from < JOB_STATES; from++)
        for (int to = 0; to < JOB_STATES; to++) {
            bool may = strchr(changing[from], letters[to]) != NULL;
            bool reader_may = reading[from] != NULL && strchr(reading[from], letters[to]) != NULL;
            cr_expect_eq(job_may_enter(false, (enum job_state)from, (enum job_state)to), may, "%d to %d",
                         from, to);
            cr_expect_eq(job_may_enter(true, (enum job_state)from, (enum job_state)to), reader_may,
                         "reading: %d to %d", from, to);
        }
}

Test(job_state, what_has_ended_stays_so)
{
    for (int to = 0; to < JOB_STATES; to++) {
        cr_expect_not(job_may_enter(false, JOB_ENDED, (enum job_state)to));
        cr_expect_not(job_may_enter(true, JOB_ENDED, (enum job_state)to));
    }
}

Test(job_state, an_impossible_one_ends_the_broker, .signal = SIGABRT)
{
    struct jobs jobs = {.list = NULL};

    job_enter(job_new(&jobs, &operation_reset, "UPID:1", NULL), JOB_ENDED);
}
