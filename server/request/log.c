/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log says of each request: the access line, and the audit line of a change. */
#include "server/request/exchange.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"

/* Only these parameters are logged: they say what was changed. Others may be long, or secret. */
static const char *const logged_parameters[] = {"id",       "vmid",  "userid", "tokenid", "groupid", "roleid",
                                                "username", "realm", "path",   "roles",   "users",   "groups",
                                                "tokens",   "privs", "enable", "delete"};

struct caller_name {
    char text[USERID_SIZE + TOKENID_SIZE + 1];
};

static struct caller_name caller_name(const struct identity *caller)
{
    struct caller_name name;

    char *end = stpcpy(name.text, caller->user[0] != '\0' ? caller->user : "-");
    if (caller->token[0] != '\0')
        stpcpy(stpcpy(end, "!"), caller->token);
    return name;
}

static void log_change(const struct exchange *exchange)
{
    const struct endpoint *endpoint = exchange->request.endpoint;
    autotext struct text what = {0};

    for (size_t i = 0; i < COUNT_OF(logged_parameters); i++) {
        const json_t *value = json_object_get(exchange->request.params, logged_parameters[i]);
        if (json_is_string(value))
            text_printf(&what, " %s=%.100s", logged_parameters[i], json_string_value(value));
        else if (json_is_integer(value))
            text_printf(&what, " %s=%lld", logged_parameters[i], (long long)json_integer_value(value));
    }
    const char *outcome = exchange->reply.status < 400 ? "done" : exchange->reply.phrase;
    bool concealed = exchange->login_failure != NULL;

    log_info("audit: %s from %s: %s %s%s: %s%s%s%s", caller_name(&exchange->request.caller).text,
             exchange->peer->address, method_names[endpoint->method], exchange->decoded.path,
             text_string(&what), outcome, concealed ? " (" : "", concealed ? exchange->login_failure : "",
             concealed ? ")" : "");
}

/* The query is left out, since it may hold secrets. */
void exchange_log(const struct exchange *exchange, bool delivered)
{
    const struct reply *reply = &exchange->reply;
    long long took = clock_microseconds() - exchange->started;

    metric_count_request(exchange->method, reply->status,
                         reply->streams || reply->status == REPLY_UPGRADE ? -1 : took);
    if (exchange->request.endpoint != NULL && exchange->request.endpoint->method != METHOD_GET)
        log_change(exchange);
    log_info("%s %s %s %.*s %u %zu %lld.%03lld ms%s", exchange->peer->address,
             caller_name(&exchange->request.caller).text, exchange->method, (int)strcspn(exchange->uri, "?"),
             exchange->uri, reply->status, reply_length(reply), took / 1000, took % 1000,
             delivered ? "" : " (not delivered)");
}
