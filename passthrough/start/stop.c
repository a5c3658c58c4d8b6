/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's way down: the daemon's half. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/call.h"
#include "passthrough/assign/reservation.h"
#include "passthrough/start/parts.h"

#define STOP_SECONDS 60

/* What the key startup says: down=N. */
static long long find_timeout(const json_t *config)
{
    const char *down = strstr(json_text(config, "startup"), "down=");
    unsigned long long seconds;

    if (down == NULL)
        return STOP_SECONDS;
    autofree char *number = xstrndup(down + strlen("down="), strspn(down + strlen("down="), "0123456789"));
    return text_to_number(number, 10, INT32_MAX, &seconds) ? (long long)seconds : STOP_SECONDS;
}

int start_stop(const struct start_host *host, long long vmid, const struct stop_options *options,
               struct task *task, struct error *err)
{
    const struct reservations reservations = {host->storage, host->sysroot};
    autojson json_t *document = NULL, *answer = NULL;
    struct error late;

    if (start_read_unlocked(host, vmid, options->skip_lock, &document, err) != 0)
        return -1;
    long long seconds =
        options->timeout >= 0 ? options->timeout : find_timeout(json_object_get(document, "config"));
    json_t *arguments = json_pack("{s:I, s:s, s:I, s:i}", "vmid", (json_int_t)vmid, "how",
                                  options->powerdown ? "powerdown" : "quit", "timeout", (json_int_t)seconds,
                                  "force", options->force);
    if (broker_call(host->broker, "vm_stop", task_upid(task), arguments, start_log_line, task, &answer,
                    err) != 0)
        return -1;
    if (inventory_source_refresh(host->inventory, &late) != 0)
        task_warn(task, "the list of devices could not be read again: %s", late.message);
    return reservations_release(&reservations, vmid, err);
}
