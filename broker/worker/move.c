/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving the functions of a plan to the drivers that are wanted for them. */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "broker/worker/plan.h"
#include "hardware/bind/variant.h"

/* Guards what the functions of a plan want, while some are moved and the claims of all are packed. */
static pthread_mutex_t plan_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *name_of(const char *driver)
{
    return driver[0] != '\0' ? driver : "no driver";
}

/* The claims of all are entered anew, as there is no other way to change one. */
static int claim_plain(struct worker *worker, struct plan *plan, struct plan_function *function,
                       struct binding plain, struct error *err)
{
    pthread_mutex_lock(&plan_lock);
    snprintf(function->driver, sizeof(function->driver), "%s", plain.driver);
    snprintf(function->override, sizeof(function->override), "%s", plain.override);
    int result = plan_claim(worker, plan, true, err);
    pthread_mutex_unlock(&plan_lock);
    return result;
}

/* Its claim says so first: whoever has to bring it forward must not try the same driver again. */
static int fall_back(struct worker *worker, struct plan *plan, struct plan_function *function,
                     char driver[static DRIVER_NAME_SIZE], struct error *err)
{
    struct binding plain = binding_for(VFIO_PLAIN);

    worker_log(worker, "%s: gets " VFIO_PLAIN ", as %s did not work: %s", function->id, function->driver,
               err->message);
    if (claim_plain(worker, plan, function, plain, err) != 0)
        return -1;
    return bind_function(worker, function->device->address, &function->was, plain, driver, err);
}

static int move(struct worker *worker, struct plan *plan, struct plan_function *function,
                char driver[static DRIVER_NAME_SIZE], struct error *err)
{
    struct binding wanted = {function->driver, function->override};
    int moved = bind_function_from(worker, function->device->address, &function->was, wanted, driver, err);

    return moved == BIND_REFUSED && function->variant ? fall_back(worker, plan, function, driver, err)
                                                      : moved;
}

static int move_one(struct worker *worker, struct plan *plan, struct plan_function *function,
                    struct error *err)
{
    long long began = clock_milliseconds();
    char driver[DRIVER_NAME_SIZE];

    if (move(worker, plan, function, driver, err) < 0)
        return -1;
    pthread_mutex_lock(&plan_lock);
    memcpy(function->driver, driver, sizeof(driver));
    pthread_mutex_unlock(&plan_lock);
    if (strcmp(driver, function->was.driver) == 0)
        worker_log(worker, "%s: stays with %s", function->id, name_of(driver));
    else
        worker_log(worker, "%s: has %s, had %s (%lld ms)", function->id, name_of(driver),
                   name_of(function->was.driver), clock_milliseconds() - began);
    return 0;
}

int plan_move(struct worker *worker, struct plan *plan, struct error *err)
{
    return plan_each(worker, plan, move_one, err);
}
