/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/metric.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"

static void has_line(const struct text *text, const char *line)
{
    autofree char *whole = xasprintf("\n%s\n", line);

    cr_expect_not_null(strstr(text_string(text), whole), "no line %s in:\n%s", line, text_string(text));
}

Test(metric, label_is_escaped_and_left_out_when_empty)
{
    autotext struct text text = {0};

    metric_begin(&text, "x_devices", "gauge", "Devices.");
    METRIC_ADD(&text, "x_devices", 2, "a", "q\"b\\s\nn", "b", "", "c", NULL, "d", "last");
    METRIC_ADD(&text, "x_devices", 0.125, "b", NULL);
    metric_add(&text, "x_devices", 9007199254740991.0, (const char *const[]){NULL});
    cr_assert_str_eq(text_string(&text), "# HELP x_devices Devices.\n# TYPE x_devices gauge\n"
                                         "x_devices{a=\"q\\\"b\\\\s\\nn\",d=\"last\"} 2\n"
                                         "x_devices 0.125\nx_devices 9007199254740991\n");
}

Test(metric, requests_are_counted_with_their_duration)
{
    autotext struct text text = {0};

    metric_count_request("GET", 200, 900);
    metric_count_request("GET", 200, 1000);
    metric_count_request("GET", 500, 3000);
    metric_count_request("GET", 200, 70000000);
    metric_count_request("GET", 200, -1);
    metric_count_request("BREW", 418, 1);
    metric_print_counters(&text);
    has_line(&text, "hostpci_http_requests_total{method=\"GET\",code=\"200\"} 4");
    has_line(&text, "hostpci_http_requests_total{method=\"GET\",code=\"500\"} 1");
    has_line(&text, "hostpci_http_requests_total{method=\"other\",code=\"other\"} 1");
    has_line(&text, "hostpci_http_request_duration_seconds_bucket{method=\"GET\",le=\"0.001\"} 2");
    has_line(&text, "hostpci_http_request_duration_seconds_bucket{method=\"GET\",le=\"0.005\"} 3");
    has_line(&text, "hostpci_http_request_duration_seconds_bucket{method=\"GET\",le=\"60\"} 3");
    has_line(&text, "hostpci_http_request_duration_seconds_bucket{method=\"GET\",le=\"+Inf\"} 4");
    has_line(&text, "hostpci_http_request_duration_seconds_count{method=\"GET\"} 4");
    has_line(&text, "hostpci_http_request_duration_seconds_sum{method=\"GET\"} 70.0049");
}

Test(metric, tasks_are_counted_by_type_and_result)
{
    autotext struct text text = {0};

    metric_count_task("qmstart", "ok");
    metric_count_task("qmstart", "error");
    metric_count_task("qmstart", "ok");
    for (int i = 0; i < 2 * METRIC_TASK_COUNTS; i++) {
        autofree char *type = xasprintf("type%d", i);
        metric_count_task(type, "ok");
    }
    metric_print_counters(&text);
    has_line(&text, "hostpci_tasks_total{type=\"qmstart\",result=\"ok\"} 2");
    has_line(&text, "hostpci_tasks_total{type=\"qmstart\",result=\"error\"} 1");
    cr_assert_null(strstr(text_string(&text), "type200"));
}
