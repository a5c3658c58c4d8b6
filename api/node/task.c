/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/tasks and /cluster/tasks: tasks, their logs and how they ended.
 *
 * Callers see the tasks that they started, and a user also those of its tokens. To see other tasks they need
 * Sys.Audit on the node, to stop them Sys.Modify. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "passthrough/broker_task.h"
#include "schema/format.h"
#include "storage/local.h"
#include "task/task.h"

#define CLUSTER_RECENT 25 /* ended tasks that /cluster/tasks lists */

static bool has_ended(const json_t *task)
{
    return json_object_get(task, "endtime") != NULL;
}

/* Fills in TASK_PROPERTIES and TASK_PROCESS. */
static json_t *describe(const json_t *task)
{
    const char *user = json_text(task, "user"), *mark = strrchr(user, '!');
    struct upid upid = {0};

    upid_parse(json_text(task, "upid"), &upid);
    if (mark != NULL && strchr(mark, '@') != NULL)
        mark = NULL; /* the '!' is part of the user's name */
    size_t length = mark != NULL ? (size_t)(mark - user) : strlen(user);
    json_t *row =
        json_pack("{s:O, s:s, s:I, s:I, s:O, s:O, s:O, s:s%}", "upid", json_object_get(task, "upid"), "node",
                  upid.node, "pid", (json_int_t)upid.pid, "pstart", (json_int_t)upid.process_start,
                  "starttime", json_object_get(task, "starttime"), "type", json_object_get(task, "type"),
                  "id", json_object_get(task, "id"), "user", user, length);
    if (mark != NULL)
        json_object_set_new(row, "tokenid", json_string(mark + 1));
    return row;
}

#define TASK_PROPERTIES                                                                                      \
    {.name = "upid", .type = SCHEMA_STRING, .format = "pve-task-upid"},                                      \
        {.name = "node", .type = SCHEMA_STRING, .format = "pve-node"},                                       \
        {.name = "starttime", .type = SCHEMA_INTEGER, .text = "Seconds since 1970."},                        \
        {.name = "type", .type = SCHEMA_STRING},                                                             \
        {.name = "id", .type = SCHEMA_STRING, .text = "What the task is about, such as a PCI id."},          \
        {.name = "user", .type = SCHEMA_STRING, .format = "pve-userid", .text = "The user who started it."}, \
        OPTIONAL_TEXT("tokenid", "The API token that the user started it with.")
#define TASK_PROCESS                                                                                         \
    {.name = "pid", .type = SCHEMA_INTEGER, .text = "Number of the task on its node."},                      \
        {.name = "pstart",                                                                                   \
         .type = SCHEMA_INTEGER,                                                                             \
         .text = "Start time of the daemon that started the task."}

static bool is_auditor(const struct request *request)
{
    autofree char *path = xasprintf("/nodes/%s", request->service->node);

    return access_allows(request->service->access, &request->caller, path, "Sys.Audit");
}

static void append_all(json_t *list, const json_t *tasks, json_t *(*make_row)(const json_t *task))
{
    const json_t *task;
    size_t i;

    json_array_foreach(tasks, i, task)
        json_array_append_new(list, make_row(task));
}

/* Lists the tasks that the filter selects, of those that the caller may see. */
static int read_tasks(struct request *request, struct local_filter *filter, json_t **ret, struct error *err)
{
    autofree char *caller = request_caller(request);
    int64_t total;

    if (!is_auditor(request)) {
        filter->owner = caller;
        if (access_read_created(request->service->access, request->caller.user, &filter->owner_since, err) !=
            0)
            return -1;
    }
    if (local_list_tasks(request->service->storage, filter, ret, &total, err) != 0)
        return -1;
    request->total = total;
    return 0;
}

/* The results that the parameters errors and statusfilter both select; NULL: all. */
static json_t *wanted_results(const struct request *request)
{
    bool errors = param_boolean(request, "errors");
    const char *list = param_string(request, "statusfilter");
    autosplit char **names = format_split_list(list != NULL ? list : "error");

    if (list == NULL && !errors)
        return NULL;
    json_t *results = json_array();
    for (char **name = names; *name != NULL; name++)
        if (!errors || strcmp(*name, "error") == 0)
            json_array_append_new(results, json_string(*name));
    return results;
}

static json_t *make_list_row(const json_t *task)
{
    json_t *row = describe(task);

    if (has_ended(task)) {
        json_object_set(row, "endtime", json_object_get(task, "endtime"));
        json_object_set(row, "status", json_object_get(task, "status"));
    } else {
        json_object_set_new(row, "status", json_string("RUNNING"));
    }
    return row;
}

static int list_tasks(struct request *request, json_t **ret, struct error *err)
{
    const char *source = param_string(request, "source");
    autojson json_t *tasks = NULL, *results = wanted_results(request);
    autofree char *vmid = xasprintf("%lld", param_integer(request, "vmid"));
    struct local_filter filter = {
        .state = strcmp(source, "all") == 0      ? LOCAL_ALL
                 : strcmp(source, "active") == 0 ? LOCAL_RUNNING
                                                 : LOCAL_ENDED,
        .user = param_string(request, "userfilter"),
        .type = param_string(request, "typefilter"),
        .id = param_given(request, "vmid") ? vmid : NULL,
        .results = results,
        .since = param_integer(request, "since"),
        .until = param_integer(request, "until"),
        .start = param_integer(request, "start"),
        .limit = param_integer(request, "limit"),
    };

    if (read_tasks(request, &filter, &tasks, err) != 0)
        return -1;
    *ret = json_array();
    append_all(*ret, tasks, make_list_row);
    return 0;
}

#define PARAMETER_PART(what)                                                                                 \
    {.name = "start",                                                                                        \
     .type = SCHEMA_INTEGER,                                                                                 \
     .optional = true,                                                                                       \
     .range = AT_LEAST(0),                                                                                   \
     .fallback = "0",                                                                                        \
     .text = "Skip this many " what "."},                                                                    \
        {.name = "limit",                                                                                    \
         .type = SCHEMA_INTEGER,                                                                             \
         .optional = true,                                                                                   \
         .range = AT_LEAST(0),                                                                               \
         .fallback = "50",                                                                                   \
         .text = "Return at most this many " what "; 0: all."}

const struct endpoint endpoint_list_tasks = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/tasks",
    .text =
        "Lists the tasks of a node, newest first. Callers without Sys.Audit on the node see only their own.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(
        PARAMETER_NODE, PARAMETER_PART("tasks"),
        {.name = "source",
         .type = SCHEMA_STRING,
         .optional = true,
         .fallback = "archive",
         .values = VALUES("archive", "active", "all"),
         .text = "List tasks that have ended (archive), that are running (active), or both (all)."},
        {.name = "errors",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .fallback = "0",
         .text = "List only tasks that failed."},
        {.name = "statusfilter",
         .type = SCHEMA_STRING,
         .optional = true,
         .format = "pve-task-status-type-list",
         .max_length = 256,
         .text = "List only tasks with these results: ok, error, warning, unknown."},
        {.name = "typefilter",
         .type = SCHEMA_STRING,
         .optional = true,
         .max_length = 64,
         .text = "List only tasks of this type, such as pcidriver."},
        {.name = "userfilter",
         .type = SCHEMA_STRING,
         .optional = true,
         .max_length = 256,
         .text = "List only tasks of users whose name contains this."},
        {.name = "vmid",
         .type = SCHEMA_INTEGER,
         .optional = true,
         .range = RANGE(100, 999999999),
         .text = "List only tasks about this virtual machine."},
        {.name = "since",
         .type = SCHEMA_INTEGER,
         .optional = true,
         .text = "List only tasks that started at this time, in seconds since 1970, or later."},
        {.name = "until",
         .type = SCHEMA_INTEGER,
         .optional = true,
         .text = "List only tasks that started at this time, in seconds since 1970, or earlier."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There are no such tasks, or none that the caller may see.",
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              TASK_PROPERTIES,
                              OPTIONAL_NUMBER("endtime", "Seconds since 1970; left out while the task runs."),
                              {.name = "status",
                               .type = SCHEMA_STRING,
                               .text = "OK, WARNINGS: n, an error message, or RUNNING."},
                              TASK_PROCESS))},
    .on_node = true,
    .may_block = true,
    .run = list_tasks,
};

/* Proxmox VE's web interface takes a task with a pid for a running one. */
static json_t *make_cluster_row(const json_t *task)
{
    json_t *row = make_list_row(task);

    json_object_set_new(row, "saved", json_string(has_ended(task) ? "1" : "0"));
    if (has_ended(task)) {
        json_object_del(row, "pid");
        json_object_del(row, "pstart");
    } else {
        json_object_del(row, "status");
    }
    return row;
}

static int list_cluster_tasks(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *running = NULL, *ended = NULL;

    if (read_tasks(request, &(struct local_filter){.state = LOCAL_RUNNING}, &running, err) != 0 ||
        read_tasks(request, &(struct local_filter){.state = LOCAL_ENDED, .limit = CLUSTER_RECENT}, &ended,
                   err) != 0)
        return -1;
    request->total = 0;
    *ret = json_array();
    append_all(*ret, running, make_cluster_row);
    append_all(*ret, ended, make_cluster_row);
    return 0;
}

const struct endpoint endpoint_list_cluster_tasks = {
    .method = METHOD_GET,
    .path = "/cluster/tasks",
    .text = "Lists the running tasks, and those that ended last.",
    .permission = ALLOW_ALL,
    .returns =
        {.type = SCHEMA_ARRAY,
         .empty = "There were no tasks yet, or none that the caller may see.",
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       TASK_PROPERTIES,
                       OPTIONAL_NUMBER("endtime", "Seconds since 1970; left out while the task runs."),
                       OPTIONAL_TEXT("status",
                                     "OK, WARNINGS: n, or an error message; left out while the task runs."),
                       OPTIONAL_NUMBER("pid", "Number of the task on its node; left out when it has ended."),
                       OPTIONAL_NUMBER(
                           "pstart",
                           "Start time of the daemon that started the task; left out when it has ended."),
                       {.name = "saved",
                        .type = SCHEMA_STRING,
                        .values = VALUES("0", "1"),
                        .text = "1: the task has ended."}))},
    .may_block = true,
    .run = list_cluster_tasks,
};

/* This has no format because Proxmox VE words the error of a bad UPID differently. */
#define PARAMETER_UPID                                                                                       \
    {.name = "upid", .type = SCHEMA_STRING, .max_length = UPID_SIZE, .text = "UPID of the task."}

const struct endpoint endpoint_get_task = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/tasks/{upid}",
    .text = "Lists the parts of a task.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_UPID),
    .index_key = "name",
};

/* A task that began before its caller was created was started by an earlier user of the same name. */
static bool is_owner(const struct request *request, const json_t *task)
{
    autofree char *caller = request_caller(request);
    const char *user = json_text(task, "user");
    struct error ignored;
    int64_t created;

    return (strcmp(user, caller) == 0 || access_is_token_of(caller, user)) &&
           access_read_created(request->service->access, request->caller.user, &created, &ignored) == 0 &&
           json_integer_value(json_object_get(task, "starttime")) >= created;
}

/* The task {upid}, if the caller began it or has the privilege on the node. */
static int find_task(struct request *request, const char *privilege, json_t **ret, struct error *err)
{
    const char *upid = param_string(request, "upid");
    const struct permission needed = ALLOW_PRIVILEGE("/nodes/{node}", privilege);
    autojson json_t *task = NULL;
    struct upid parsed;

    if (!upid_parse(upid, &parsed))
        return error_set_field(err, "upid", "unable to parse worker upid");
    if (local_read_task(request->service->storage, upid, &task, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? error_set_field(err, "upid", "no such task") : -1;
    if (!is_owner(request, task) &&
        access_check(request->service->access, &request->caller, &needed, request->params, err) != 0)
        return -1;
    *ret = TAKE(task);
    return 0;
}

static int get_task_status(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *task = NULL;

    if (find_task(request, "Sys.Audit", &task, err) != 0)
        return -1;
    *ret = describe(task);
    json_object_set_new(*ret, "status", json_string(has_ended(task) ? "stopped" : "running"));
    if (has_ended(task))
        json_object_set(*ret, "exitstatus", json_object_get(task, "status"));
    return 0;
}

const struct endpoint endpoint_get_task_status = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/tasks/{upid}/status",
    .text =
        "Shows whether a task is running, or how it ended. Other users' tasks need Sys.Audit on the node.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_UPID),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    {.name = "status", .type = SCHEMA_STRING, .values = VALUES("running", "stopped")},
                    OPTIONAL_TEXT("exitstatus",
                                  "OK, WARNINGS: n, or an error message; left out while the task runs."),
                    TASK_PROPERTIES, TASK_PROCESS)},
    .on_node = true,
    .may_block = true,
    .run = get_task_status,
};

/* All lines as a text file, whose name tells the task's node, type and start. */
static int download_task_log(struct request *request, const json_t *task, json_t **ret, struct error *err)
{
    autojson json_t *lines = NULL;
    autotext struct text text = {0};
    struct upid upid = {0};
    int64_t total;
    json_t *line;
    size_t i;

    if (param_given(request, "start") || param_given(request, "limit"))
        return error_set_field(err, "download", "a file has the whole log: leave out start and limit");
    if (local_read_lines(request->service->storage, json_text(task, "upid"), 0, 0, &lines, &total, err) != 0)
        return -1;
    json_array_foreach(lines, i, line)
        text_printf(&text, "%s\n", json_text(line, "t"));
    upid_parse(json_text(task, "upid"), &upid);
    snprintf(request->file_name, sizeof(request->file_name), "task-%s-%s-%08" PRIX64 ".log", upid.node,
             upid.type, upid.start);
    *ret = json_string(text_string(&text));
    return 0;
}

static int get_task_log(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *task = NULL, *lines = NULL;
    int64_t total;

    if (find_task(request, "Sys.Audit", &task, err) != 0)
        return -1;
    if (param_boolean(request, "download"))
        return download_task_log(request, task, ret, err);
    if (local_read_lines(request->service->storage, json_text(task, "upid"), param_integer(request, "start"),
                         param_integer(request, "limit"), &lines, &total, err) != 0)
        return -1;
    request->total = total > 0 ? total : 1;
    *ret = total > 0 ? TAKE(lines) : json_pack("[{s:i, s:s}]", "n", 1, "t", "no content");
    return 0;
}

const struct endpoint endpoint_get_task_log = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/tasks/{upid}/log",
    .text = "Shows the log of a task, even while it runs. Other users' tasks need Sys.Audit on the node.",
    .permission = ALLOW_ALL,
    .parameters =
        PROPERTIES(PARAMETER_NODE, PARAMETER_UPID, PARAMETER_PART("lines"),
                   {.name = "download",
                    .type = SCHEMA_BOOLEAN,
                    .optional = true,
                    .text = "Send the whole log as a text file; not together with start or limit."}),
    .returns = {.type = SCHEMA_ARRAY,
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              {.name = "n", .type = SCHEMA_INTEGER, .text = "Number of the line, from 1."},
                              {.name = "t", .type = SCHEMA_STRING, .text = "Text of the line."}))},
    .on_node = true,
    .may_block = true,
    .download = "download",
    .run = get_task_log,
};

/* Stopping a task that has ended, perhaps just now, succeeds. */
static int stop_task(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    autojson json_t *task = NULL;

    if (find_task(request, "Sys.Modify", &task, err) != 0)
        return -1;
    if (!has_ended(task) &&
        broker_task_stop(service->tasks, service->broker, json_text(task, "upid"), err) != 0 &&
        err->kind != ERROR_NOT_FOUND)
        return -1;
    *ret = json_null();
    return 0;
}

const struct endpoint endpoint_stop_task = {
    .method = METHOD_DELETE,
    .path = "/nodes/{node}/tasks/{upid}",
    .text = "Asks a task to stop. It finishes its current step, then undoes what it did. Other users' tasks "
            "need Sys.Modify on the node.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_UPID),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .on_node = true,
    .run = stop_task,
};
