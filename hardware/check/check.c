/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one engine of checks: how they are run, and what becomes of what they find. */
#include "hardware/check/check.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/parts.h"

const struct check *const *const check_lists[] = {
    checks_iommu,   checks_interrupts, checks_kernel, checks_options, checks_log,
    checks_host,    checks_use,        checks_group,  checks_driver,  checks_device,
    checks_display, checks_sriov,      checks_owner,  checks_mdev,    NULL,
};

const char *const severity_names[] = {"ok", "info", "warning", "error"};

void findings_add_as(struct findings *findings, const char *id, enum severity severity, const char *message)
{
    assert(message[0] != '\0' && (findings->check->blocks || severity != SEVERITY_ERROR));
    assert(findings->check->fixable || findings->remedy.action == NULL);
    findings->list = xrealloc(findings->list, findings->count + 1, sizeof(findings->list[0]));
    struct finding *finding = &findings->list[findings->count++];
    *finding =
        (struct finding){.severity = severity, .evidence = findings->evidence, .remedy = findings->remedy};
    snprintf(finding->id, sizeof(finding->id), "%s", id);
    text_append(&finding->message, message);
    findings->evidence = (struct text){0};
    findings->remedy = (struct remedy){0};
}

void findings_add(struct findings *findings, enum severity severity, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    autofree char *message = xvasprintf(format, arguments);
    va_end(arguments);
    findings_add_as(findings, findings->check->id, severity, message);
}

static void drop_draft(struct findings *findings)
{
    text_release(&findings->evidence);
    remedy_release(&findings->remedy);
}

static void release_finding(struct finding *finding)
{
    text_release(&finding->message);
    text_release(&finding->evidence);
    remedy_release(&finding->remedy);
}

void findings_keep(struct findings *findings, size_t from, enum severity least)
{
    size_t kept = from;

    for (size_t i = from; i < findings->count; i++)
        if (findings->list[i].severity >= least)
            findings->list[kept++] = findings->list[i];
        else
            release_finding(&findings->list[i]);
    findings->count = kept;
}

void findings_release(struct findings *findings)
{
    drop_draft(findings);
    for (size_t i = 0; i < findings->count; i++)
        release_finding(&findings->list[i]);
    free(findings->list);
    *findings = (struct findings){0};
}

static json_t *finding_to_json(const struct finding *finding)
{
    const char *evidence = text_string(&finding->evidence), *remedy = text_string(&finding->remedy.lines);
    size_t length = strlen(remedy);
    json_t *object = json_pack("{s:s, s:s, s:s}", "id", finding->id, "severity",
                               severity_names[finding->severity], "message", text_string(&finding->message));

    if (*evidence != '\0')
        json_object_set_new(object, "evidence", json_string(evidence));
    if (length > 0)
        json_object_set_new(object, "remedy", json_stringn(remedy, length - (remedy[length - 1] == '\n')));
    if (finding->remedy.action != NULL)
        json_object_set(object, "action", finding->remedy.action);
    return object;
}

json_t *findings_to_json(const struct findings *findings)
{
    json_t *list = json_array();

    for (int severity = SEVERITY_ERROR; severity >= SEVERITY_OK; severity--)
        for (size_t i = 0; i < findings->count; i++)
            if ((int)findings->list[i].severity == severity)
                json_array_append_new(list, finding_to_json(&findings->list[i]));
    return list;
}

const struct check *check_find(const char *id)
{
    CHECK_FOREACH(check, check_lists)
    if (strcmp(check->id, id) == 0)
        return check;
    return NULL;
}

void check_run(const struct check *check, const struct subject *subject, struct findings *ret)
{
    ret->check = check;
    check->run(subject, ret);
    drop_draft(ret);
}

void check_run_lists(const struct check *const *const *lists, enum check_scope scope,
                     enum check_extent extent, const struct subject *subject, struct findings *ret)
{
    CHECK_FOREACH(check, lists)
    {
        size_t before = ret->count;
        if (check->scope != scope || (extent != CHECK_ALL && !check->blocks))
            continue;
        check_run(check, subject, ret);
        for (size_t i = before; extent == CHECK_FIRST_ERROR && i < ret->count; i++)
            if (ret->list[i].severity == SEVERITY_ERROR)
                return;
    }
}

bool check_find_error(enum check_scope scope, const struct subject *subject, struct text *ret)
{
    autofindings struct findings findings = {0};

    check_run_lists(check_lists, scope, CHECK_FIRST_ERROR, subject, &findings);
    if (findings.count == 0 || findings.list[findings.count - 1].severity != SEVERITY_ERROR)
        return false;
    text_append(ret, text_string(&findings.list[findings.count - 1].message));
    return true;
}
