/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual machines for tests, and the tasks that change them. */
#include "tests/api/vm.h"

#include <criterion/criterion.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "passthrough/index.h"
#include "storage/reservation.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"

#define SECONDS 20

/* Of the made host: /proc/PID/stat, the 22nd field of which says when the process started, and the boot. */
#define STARTED 77
#define STAT    "4321 (kvm) S 1 4321 4321 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 4 0 77 0 0\n"
#define BOOT    "6f1c2a58-3d4e-4b7a-9c60-5e8f7a1b2c3d"

void vm_create(const char *vmid, ...)
{
    autotext struct text form = {0};
    const char *name;
    va_list list;

    text_printf(&form, "vmid=%s", vmid);
    va_start(list, vmid);
    while ((name = va_arg(list, const char *)) != NULL) {
        char *value = curl_easy_escape(NULL, va_arg(list, const char *), 0);
        text_printf(&form, "&%s=%s", name, value);
        curl_free(value);
    }
    va_end(list);
    const struct reply *reply = CALL(.method = "POST", .path = QEMU, .body = text_string(&form));
    cr_assert_eq(reply->status, 200, "%s: %s", text_string(&form), reply->body);
    const char *end = vm_task_end(json_string_value(reply->data));
    cr_assert_str_eq(end, "OK", "%s: %s", text_string(&form), end);
}

void vm_run(long long vmid)
{
    const struct reservation_holder holder = {
        .vmid = vmid, .state = "running", .process = VM_PROCESS, .start = STARTED, .boot = BOOT};
    const struct reservation device = {.device = "0000:01:00.0", .key = "hostpci0"};
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    autojson json_t *nothing = json_array();
    struct storage *storage;
    struct error err;

    daemon_stop();
    cr_assert_eq(storage_open(path, passthrough_index, &storage, &err), 0, "%s", err.message);
    cr_assert_eq(reservation_take(storage, &holder, &device, 1, nothing, &err), 0, "%s", err.message);
    storage_close(storage);
    host_write("proc/4321/stat", STAT);
    daemon_start_again();
}

const char *vm_task_end(const char *upid)
{
    autofree char *path = xasprintf("/nodes/" NODE "/tasks/%s/status", upid);
    double end = machine_slept() + SECONDS;

    for (;;) {
        const json_t *status = get(path, NULL);
        if (strcmp(text_of(status, "status"), "stopped") == 0)
            return text_of(status, "exitstatus");
        cr_assert_leq(machine_slept(), end, "%s does not end", upid);
        machine_sleep(5);
    }
}

const json_t *vm_task_log(const char *upid)
{
    autofree char *path = xasprintf("/nodes/" NODE "/tasks/%s/log", upid);

    return get(path, "limit", "0", NULL);
}

void vm_needs_audit(const char *path)
{
    vm_create("100", NULL);
    const json_t *created = post("/access/users/root@pam/token/ci", NULL);
    autofree char *token = xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));

    call_with_token(token);
    fails(403, "Permission check failed (/vms/100, VM.Audit)", "GET", path, NULL);
    call_with_token(NULL);
    put("/access/acl", "path", "/vms/100", "tokens", "root@pam!ci", "roles", "PVEAuditor", NULL);
    call_with_token(token);
}
