/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory that the large bodies of all requests may take together. */
#include "server/request/budget.h"

#include <stdbool.h>
#include <string.h>

static size_t count_user(const struct budget *budget, const char *user)
{
    size_t bytes = 0;

    for (const struct budget_part *part = budget->first; part != NULL; part = part->next)
        if (strcmp(part->user, user) == 0)
            bytes += part->bytes;
    return bytes;
}

int budget_take(struct budget *budget, struct budget_part *part, const char *user, size_t bytes,
                struct error *err)
{
    pthread_mutex_lock(&budget->mutex);
    bool fits = budget->taken + bytes <= BUDGET_BYTES,
         share = count_user(budget, user) + bytes <= BUDGET_BYTES / 2;
    if (fits && share) {
        *part = (struct budget_part){budget->first, user, bytes};
        budget->first = part;
        budget->taken += bytes;
    }
    pthread_mutex_unlock(&budget->mutex);
    if (fits && share)
        return 0;
    return error_set(err, ERROR_BUSY,
                     "other requests%s%s with large bodies are being received: send this one, of %zu bytes, "
                     "when they have been answered",
                     share ? "" : " of ", share ? "" : user, bytes);
}

void budget_give(struct budget *budget, struct budget_part *part)
{
    struct budget_part **at = &budget->first;

    if (part->bytes == 0)
        return;
    pthread_mutex_lock(&budget->mutex);
    while (*at != part)
        at = &(*at)->next;
    *at = part->next;
    budget->taken -= part->bytes;
    pthread_mutex_unlock(&budget->mutex);
    part->bytes = 0;
}
