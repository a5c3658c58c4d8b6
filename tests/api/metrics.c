/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /metrics: what Prometheus reads. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"

#define MISSING 77

TestSuite(metrics, .timeout = 120);

/* The body of a reply to this request, which the caller frees. */
static char *read_from(const char *path)
{
    autofree char *request = xasprintf("GET %s HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", path);
    autofree char *reply = raw_ask(request, strlen(request));

    cr_assert_not_null(strstr(reply, "HTTP/1.1 200 OK\r\n"), "%s", reply);
    cr_assert_not_null(strstr(reply, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    return xstrdup(strstr(reply, "\r\n\r\n") + 4);
}

static void has_line(const char *text, const char *line)
{
    autofree char *whole = xasprintf("\n%s\n", line);

    cr_expect_not_null(strstr(text, whole), "no line %s in:\n%s", line, text);
}

DAEMON_TEST(metrics, tell_of_devices_and_mappings)
{
    START(.host = "sriov");
    post("/cluster/mapping/pci", "id", "disk", "map", "node=" NODE ",path=0000:3b:00.0,id=15b3:1019", NULL);
    autofree char *text = read_from("/metrics"), *same = read_from("/api2/json/metrics");

    has_line(text, "hostpci_mapping_devices{mapping=\"disk\",node=\"" NODE "\"} 1");
    has_line(text, "hostpci_virtual_functions{pci_bus_id=\"00000000:3B:00.0\",address=\"0000:3b:00.0\"} 32");
    cr_assert_not_null(
        strstr(text, "\nhostpci_device_info{pci_bus_id=\"00000000:3B:00.0\",address=\"0000:3b:00.0\""));
    cr_assert_null(strstr(text, "hostpci_device_info{pci_bus_id=\"00000000:00:00.0\""), "a bridge");
    cr_assert_not_null(strstr(same, "\nhostpci_device_info{"));
}

DAEMON_TEST(metrics, tell_of_mediated_devices)
{
    START(.host = "mdev");
    autofree char *text = read_from("/metrics");

    has_line(text, "hostpci_mdev_instances{address=\"0000:00:02.0\",type=\"i915-GVTg_V5_8\"} 1");
    has_line(text, "hostpci_mdev_instances_available{address=\"0000:00:02.0\",type=\"i915-GVTg_V5_8\"} 3");
    cr_assert_not_null(strstr(text, "\nhostpci_mdev_info{mdev=\"d577a7cf-"));
}

DAEMON_TEST(metrics, tell_which_vm_has_a_device)
{
    START(.host = "golden");
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    vm_create("100", "hostpci0", "mapping=gpu", NULL);
    vm_run(100);
    autofree char *text = read_from("/metrics");
    const char *line = strstr(text, "\nhostpci_device_info{pci_bus_id=\"00000000:01:00.0\"");

    cr_assert_not_null(line);
    autofree char *own = xstrndup(line + 1, strcspn(line + 1, "\n"));
    cr_expect_not_null(strstr(own, ",vmid=\"100\",mapping=\"gpu\"} 1"), "%s", own);
    has_line(text, "hostpci_devices{state=\"given\"} 1");
    has_line(text, "hostpci_mapping_devices_free{mapping=\"gpu\",node=\"" NODE "\"} 0");
    has_line(text, "hostpci_vms{state=\"running\"} 1");
}

DAEMON_TEST(metrics, count_what_is_done)
{
    START(.host = "workstation");
    autofree char *before = read_from("/metrics");
    cr_assert_str_eq(vm_task_end(json_string_value(post("/nodes/" NODE "/qemu", "vmid", "100", NULL))), "OK");
    autofree char *after = read_from("/metrics");

    has_line(before, "hostpci_vms{state=\"stopped\"} 0");
    has_line(after, "hostpci_tasks_total{type=\"qmcreate\",result=\"ok\"} 1");
    has_line(after, "hostpci_vms{state=\"stopped\"} 1");
    has_line(after, "hostpci_http_requests_total{method=\"POST\",code=\"200\"} 1");
    has_line(after, "hostpci_http_request_duration_seconds_count{method=\"POST\"} 1");
}

DAEMON_TEST(metrics, are_for_auditors_only)
{
    START(.host = "workstation");
    account_create("joe@pve", NULL);
    account_enter("joe@pve");
    fails(403, "Permission check failed (/, Sys.Audit)", "GET", "/metrics", NULL);
    account_grant("/", "PVEAuditor", "users", "joe@pve");
    account_enter("joe@pve");
    const struct reply *reply = CALL_UNCHECKED(.method = "GET", .path = "/metrics");
    cr_assert_eq(reply->status, 200);
    call_with_token("");
    cr_assert_eq(CALL_UNCHECKED(.method = "GET", .path = "/metrics")->status, 401);
}

/* promtool with these arguments. */
static void is_taken(const char *arguments)
{
    autofree char *output = xasprintf("%s/promtool", daemon_run());
    autofree char *command = xasprintf("command -v promtool || exit %d; promtool %s", MISSING, arguments);
    struct error err;
    char *said = NULL;

    int status = program_wait(
        program_start((const char *const[]){"/bin/sh", "-c", command, NULL}, output, output, 0), 60);
    if (WIFEXITED(status) && WEXITSTATUS(status) == MISSING)
        cr_skip_test("promtool is not installed: Debian has it in the package prometheus");
    cr_assert_eq(file_read(output, 65536, &said, NULL, &err), 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "promtool %s: %s", arguments, said);
    free(said);
}

DAEMON_TEST(metrics, are_taken_by_prometheus)
{
    START(.host = "mdev");
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:00:02.0,id=8086:5912", NULL);
    post("/nodes/" NODE "/qemu", "vmid", "100", NULL);
    autofree char *text = read_from("/metrics"), *path = xasprintf("%s/metrics", daemon_run());
    autofree char *arguments = xasprintf("check metrics < %s", path);
    struct error err;
    cr_assert_eq(file_replace(path, text, strlen(text), 0600, &err), 0, "%s", err.message);
    is_taken(arguments);
}

DAEMON_TEST(metrics, have_rules_that_prometheus_takes)
{
    START(.host = "workstation");
    is_taken("check rules dist/prometheus/hostpci.rules.yml");
}

/* The end of a name of a metric, which may be that of a histogram's sample. */
static size_t name_length(const char *name)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz_");

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (length > strlen(parts[i]) &&
            strncmp(name + length - strlen(parts[i]), parts[i], strlen(parts[i])) == 0)
            return length - strlen(parts[i]);
    return length;
}

DAEMON_TEST(metrics, are_all_that_the_dashboard_and_the_rules_name)
{
    static const char *const files[] = {"dist/prometheus/hostpci.rules.yml",
                                        "dist/prometheus/hostpci-dashboard.json"};
    START(.host = "workstation");
    autofree char *text = read_from("/metrics");

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        autofree char *content = NULL;
        struct error err;
        cr_assert_eq(file_read(files[i], 1 << 20, &content, NULL, &err), 0, "%s", err.message);
        for (const char *name = content; (name = strstr(name, "hostpci_")) != NULL; name++) {
            autofree char *line = xasprintf("\n# TYPE %.*s ", (int)name_length(name), name);
            cr_expect_not_null(strstr(text, line), "%s names %.*s", files[i], (int)name_length(name), name);
        }
    }
}

DAEMON_TEST(metrics, are_exported_as_proxmox_s_clients_read_them)
{
    START(.host = "workstation");
    vm_create("100", "memory", "512", NULL);
    autofree char *much = xasprintf("%lld", (long long)time(NULL) + 3600);
    const json_t *data = member(get("/cluster/metrics/export", NULL), "data"), *row;
    size_t i, nodes = 0, vms = 0;

    is_json(get("/cluster/metrics", NULL), "[{'name':'export'}]");
    json_array_foreach(data, i, row) {
        nodes += strcmp(text_of(row, "id"), "node/" NODE) == 0;
        vms += strcmp(text_of(row, "id"), "qemu/100") == 0;
        cr_expect_leq(number_of(row, "timestamp"), time(NULL));
        if (strcmp(text_of(row, "id"), "qemu/100") == 0 && strcmp(text_of(row, "metric"), "mem_total") == 0)
            cr_expect_eq(number_of(row, "value"), 512LL << 20);
    }
    cr_expect_gt(nodes, 0);
    cr_expect_gt(vms, 0);
    is_json(get("/cluster/metrics/export", "start-time", much, NULL), "{'data':[]}");
    is_json(get("/cluster/metrics/export", "node-list", "other", NULL), "{'data':[]}");
    is_json(get("/cluster/metrics/export", "node-list", "other", "history", "1", "local-only", "1", NULL),
            "{'data':[]}");
    account_create("joe@pve", NULL);
    account_enter("joe@pve");
    fails(403, "Permission check failed (/, Sys.Audit)", "GET", "/cluster/metrics/export", NULL);
}
