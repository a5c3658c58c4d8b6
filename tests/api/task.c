/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks as clients see them: the lists, status and log, and who may see what. The tests write them into the
 * stopped daemon's database; tests/api/task_running.c has tasks that run. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passthrough/index.h"
#include "storage/local.h"
#include "task/upid.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/look.h"
#include "tests/api/program.h"

#define TASKS "/nodes/" NODE "/tasks"
#define TOKEN "root@pam!ci"

/* Ended tasks: the newest is the last. */
static const struct kept {
    const char *type, *id, *user, *result, *status;
    int64_t starttime;
    const char *const *lines;
} kept[] = {
    {"pcireset", "0000:01:00.0", "root@pam", "ok", "OK", 1000, NULL},
    {"pcidriver", "0000:01:00.0", TOKEN, "error", "no driver took it", 2000,
     (const char *const[]){"first", "second", "third", NULL}},
    {"qmstart", "100", "anna@pve!bot", "warning", "WARNINGS: 2", 3000, NULL},
};

static char upids[COUNT_OF(kept)][UPID_SIZE];

static const char *name(size_t i)
{
    struct upid upid = {.pid = i + 1, .process_start = 500, .start = (uint64_t)kept[i].starttime};

    snprintf(upid.node, sizeof(upid.node), "%s", NODE);
    snprintf(upid.type, sizeof(upid.type), "%s", kept[i].type);
    snprintf(upid.id, sizeof(upid.id), "%s", kept[i].id);
    snprintf(upid.user, sizeof(upid.user), "%s", kept[i].user);
    upid_format(&upid, upids[i]);
    return upids[i];
}

static void put_task(struct storage *storage, size_t i)
{
    const struct kept *task = &kept[i];
    const struct local_task row = {(int64_t)i + 1, name(i),    task->type,
                                   task->id,       task->user, task->starttime};
    autofree char *last =
        xasprintf("TASK %s%s", strcmp(task->result, "error") == 0 ? "ERROR: " : "", task->status);
    struct error err;
    int number = 1;

    cr_assert_eq(local_begin_task(storage, &row, &err), 0, "%s", err.message);
    for (const char *const *line = task->lines; line != NULL && *line != NULL; line++, number++)
        cr_assert_eq(
            local_add_line(storage, row.number, &(const struct local_line){number, *line, false}, &err), 0);
    const struct local_end end = {task->starttime + 5, task->result, task->status, {number, last, false}};
    cr_assert_eq(local_end_task(storage, row.number, &end, &err), 0, "%s", err.message);
}

static void start(void)
{
    struct storage *storage;
    struct error err;

    START(.host = "workstation");
    daemon_stop();
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    cr_assert_eq(storage_open(path, passthrough_index, &storage, &err), 0, "%s", err.message);
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        put_task(storage, i);
    storage_close(storage);
    daemon_start_again();
}

TestSuite(task, .init = start, .timeout = 120);

static char *below(const char *upid, const char *part)
{
    return xasprintf(TASKS "/%s%s", upid, part);
}

static const struct reply *ask(const char *path)
{
    return CALL(.method = "GET", .path = path);
}

/* The ids of the listed tasks' types, in their order. */
static void lists(const char *query, const char *types, long long total)
{
    autofree char *path = xasprintf(TASKS "?%s", query), *got = xstrdup("");
    const struct reply *reply = ask(path);
    const json_t *task;
    size_t i;

    cr_assert_eq(reply->status, 200, "%s", reply->body);
    json_array_foreach(reply->data, i, task) {
        autofree char *before = got;
        got = xasprintf("%s%s%s", before, i > 0 ? " " : "", text_of(task, "type"));
    }
    cr_assert_str_eq(got, types, "%s", query);
    cr_assert_eq(reply->total, total, "%s: total %lld", query, reply->total);
}

DAEMON_TEST(task, list_is_newest_first)
{
    const json_t *list = get(TASKS, NULL);

    cr_assert_eq(json_array_size(list), 3);
    is_json(json_array_get(list, 0),
            "{'upid':'UPID:pve1:00000003:000001F4:00000BB8:qmstart:100:anna@pve!bot:','node':'pve1','pid':3,"
            "'pstart':500,'starttime':3000,'endtime':3005,'type':'qmstart','id':'100','user':'anna@pve',"
            "'tokenid':'bot','status':'WARNINGS: 2'}");
    is_json(json_array_get(list, 2), "{'upid':'UPID:pve1:00000001:000001F4:000003E8:pcireset:0000@3a01@3a00."
                                     "0:root@pam:','node':'pve1','pid':1,"
                                     "'pstart':500,'starttime':1000,'endtime':1005,'type':'pcireset','id':'"
                                     "0000:01:00.0','user':'root@pam',"
                                     "'status':'OK'}");
}

DAEMON_TEST(task, list_is_filtered_and_tells_how_many_there_are)
{
    lists("limit=2", "qmstart pcidriver", 3);
    lists("start=1&limit=1", "pcidriver", 3);
    lists("limit=0", "qmstart pcidriver pcireset", 3);
    lists("start=9", "", 3);
    lists("source=all", "qmstart pcidriver pcireset", 3);
    lists("source=active", "", 0);
    lists("errors=1", "pcidriver", 1);
    lists("statusfilter=ok,warning", "qmstart pcireset", 2);
    lists("statusfilter=ok&statusfilter=unknown", "pcireset", 1);
    lists("statusfilter=ok&errors=1", "", 0);
    lists("statusfilter=ok,error&errors=1", "pcidriver", 1);
    lists("typefilter=pcireset", "pcireset", 1);
    lists("userfilter=ROOT", "pcidriver pcireset", 2);
    lists("vmid=100", "qmstart", 1);
    lists("since=2000", "qmstart pcidriver", 2);
    lists("since=2000&until=2999", "pcidriver", 1);
    wrong_parameter("statusfilter", "invalid format - value is not one of ok, error, warning, unknown\n",
                    "GET", TASKS, "statusfilter", "bad", NULL);
    wrong_parameter("limit", "value must have a minimum value of 0", "GET", TASKS, "limit", "-1", NULL);
}

DAEMON_TEST(task, of_the_cluster_have_a_pid_only_while_they_run)
{
    const json_t *list = get("/cluster/tasks", NULL);

    cr_assert_eq(json_array_size(list), 3);
    is_json(
        json_array_get(list, 0),
        "{'upid':'UPID:pve1:00000003:000001F4:00000BB8:qmstart:100:anna@pve!bot:','node':'pve1','saved':'1',"
        "'starttime':3000,'endtime':3005,'type':'qmstart','id':'100','user':'anna@pve','tokenid':'bot',"
        "'status':'WARNINGS: 2'}");
}

DAEMON_TEST(task, status_tells_the_end)
{
    autofree char *path = below(upids[1], "/status"), *index = below(upids[1], "");

    is_json(get(path, NULL),
            "{'upid':'UPID:pve1:00000002:000001F4:000007D0:pcidriver:0000@3a01@3a00.0:root@pam!ci:',"
            "'node':'pve1','pid':2,'pstart':500,'starttime':2000,'type':'pcidriver',"
            "'id':'0000:01:00.0','user':'root@pam','tokenid':'ci','status':'stopped',"
            "'exitstatus':'no driver took it'}");
    is_json(get(index, NULL), "[{'name':'status'},{'name':'log'}]");
}

DAEMON_TEST(task, log_comes_whole_or_in_parts)
{
    autofree char *path = below(upids[1], "/log");

    is_json(get(path, NULL), "[{'n':1,'t':'first'},{'n':2,'t':'second'},{'n':3,'t':'third'},"
                             "{'n':4,'t':'TASK ERROR: no driver took it'}]");
    is_json(get(path, "start", "1", "limit", "2", NULL), "[{'n':2,'t':'second'},{'n':3,'t':'third'}]");
    is_json(get(path, "start", "3", "limit", "0", NULL), "[{'n':4,'t':'TASK ERROR: no driver took it'}]");
    is_json(get(path, "start", "4", NULL), "[]");
    autofree char *part = xasprintf("%s?limit=1", path);
    cr_assert_eq(ask(part)->total, 4);
}

#define WHOLE_LOG "first\nsecond\nthird\nTASK ERROR: no driver took it\n"

DAEMON_TEST(task, log_is_a_text_file_if_that_is_asked_for)
{
    autofree char *path = below(upids[1], "/log?download=1"), *extjs = xasprintf("/api2/extjs%s", path),
                  *none = below(upids[1], "/log?download=0"),
                  *part = below(upids[1], "/log?download=1&limit=9"),
                  *unknown = below("UPID:pve1:00000001:000001F4:000003E8:x:y:root@pam:", "/log?download=1");
    const char *const both[] = {path, extjs};

    for (size_t i = 0; i < COUNT_OF(both); i++) {
        const struct reply *reply = CALL_UNCHECKED(.method = "GET", .path = both[i]);
        cr_assert_eq(reply->status, 200, "%s", reply->body);
        cr_assert_str_eq(reply->content_type, "text/plain;charset=UTF-8");
        cr_assert_str_eq(reply->body, WHOLE_LOG);
        cr_assert_not_null(strstr(reply->headers, "\r\nContent-Disposition: attachment; "
                                                  "filename=\"task-pve1-pcidriver-000007D0.log\"\r\n"));
        cr_assert_not_null(strstr(reply->headers, "\r\nX-Content-Type-Options: nosniff\r\n"));
    }
    cr_assert_eq(ask(none)->total, 4, "JSON as ever");
    wrong_parameter("download", "a file has the whole log: leave out start and limit", "GET", part, NULL);
    wrong_parameter("upid", "no such task", "GET", unknown, NULL);
}

DAEMON_TEST(task, log_as_a_file_is_printed_as_it_is)
{
    autofree char *path = below(upids[1], "/log");

    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    autofree char *text = program_run((const char *const[]){"get", path, "--download", "1", NULL});
    cr_assert_str_eq(text, WHOLE_LOG);
}

DAEMON_TEST(task, name_may_be_sent_encoded)
{
    is_json(
        member(get(TASKS "/UPID%3Apve1%3A00000002%3A000001F4%3A000007D0%3Apcidriver%3A0000%403a01%403a00.0%3A"
                         "root%40pam%21ci%3A/status",
                   NULL),
               "pid"),
        "2");
}

DAEMON_TEST(task, name_that_is_none_is_refused)
{
    static const struct {
        const char *upid, *text;
    } wrong[] = {
        {"UPID", "unable to parse worker upid"},
        {"UPID:pve1:00000001:000001F4:000003E8:pcireset:x:root@pam", "unable to parse worker upid"},
        {"UPID:pve1:00000001:000001F4:000003E8:pcireset:0000@3a02@3a00.0:root@pam:", "no such task"},
        {"UPID:pve2:00000001:000001F4:000003E8:pcireset:0000@3a01@3a00.0:root@pam:", "no such task"},
        {"UPID:pve1:00000009:000001F4:000003E8:pcireset:..%2f..%2fetc:root@pam:", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        autofree char *path = below(wrong[i].upid, ""), *status = below(wrong[i].upid, "/status"),
                      *log = below(wrong[i].upid, "/log");
        if (wrong[i].text == NULL) {
            cr_assert_geq(ask(status)->status, 400);
            continue;
        }
        wrong_parameter("upid", wrong[i].text, "GET", status, NULL);
        wrong_parameter("upid", wrong[i].text, "GET", log, NULL);
        wrong_parameter("upid", wrong[i].text, "DELETE", path, NULL);
    }
}

/* From now on calls use a token that has that role on that path. */
static void become_token(const char *path, const char *role)
{
    const json_t *created = post("/access/users/root@pam/token/ci", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    autofree char *entry = xasprintf("{'tokens':{'" TOKEN "':{'%s':1}}}", role);

    daemon_stop();
    document_put("acl", path, entry);
    daemon_start_again();
    call_with_token(credential);
}

DAEMON_TEST(task, of_others_are_for_those_who_may_audit)
{
    autofree char *own = below(upids[1], ""), *own_log = below(upids[1], "/log"),
                  *other = below(upids[0], ""), *log = below(upids[0], "/log"),
                  *status = below(upids[2], "/status");

    become_token("/mapping", "PVEMappingUser");
    lists("source=all", "pcidriver", 1);
    cr_assert_eq(json_array_size(get("/cluster/tasks", NULL)), 1);
    get(own_log, NULL);
    delete (own, NULL);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Audit)", "GET", log, NULL);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Audit)", "GET", status, NULL);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Modify)", "DELETE", other, NULL);
}

DAEMON_TEST(task, of_all_are_for_an_auditor_who_may_not_stop_them)
{
    autofree char *log = below(upids[0], "/log"), *other = below(upids[2], "");

    become_token("/nodes/" NODE, "PVEAuditor");
    lists("source=all", "qmstart pcidriver pcireset", 3);
    cr_assert_eq(json_array_size(get("/cluster/tasks", NULL)), 3);
    get(log, NULL);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Modify)", "DELETE", other, NULL);
}

DAEMON_TEST(task, that_has_ended_is_stopped_already)
{
    autofree char *path = below(upids[0], ""), *status = below(upids[0], "/status");

    cr_assert(json_is_null(delete (path, NULL)));
    cr_assert_str_eq(text_of(get(status, NULL), "exitstatus"), "OK");
}

/* Whoever gets the name of a deleted user does not get its tasks. */
DAEMON_TEST(task, of_an_earlier_user_of_a_name_are_not_the_next_ones)
{
    autofree char *own = below(upids[0], "/log");

    daemon_stop();
    document_put("user", "root@pam", "{'enable':1,'created':4000000000,'tokens':{}}");
    daemon_start_again();
    get(own, NULL);
    const json_t *created = post("/access/users/root@pam/token/ci", "privsep", "1", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    call_with_token(credential);
    lists("source=all", "", 0);
}
