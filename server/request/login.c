/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down the guessing of passwords. */
#include "server/request/login.h"

#include "access/ticket.h"
#include "base/memory.h"

/* Whose password is tried: the user that a login names, else the caller. */
static char *find_user(const struct exchange *exchange)
{
    const json_t *params = exchange->request.params;
    const char *name = json_string_value(json_object_get(params, "username"));
    const char *realm = json_string_value(json_object_get(params, "realm"));

    if (name == NULL)
        return xstrdup(exchange->request.caller.user);
    return xasprintf("%s%s%s", name, realm != NULL ? "@" : "", realm != NULL ? realm : "");
}

static bool is_renewal(const struct exchange *exchange)
{
    const char *password = json_string_value(json_object_get(exchange->request.params, "password"));
    struct ticket ticket;

    return json_object_get(exchange->request.params, "username") != NULL && password != NULL &&
           ticket_parse(password, &ticket);
}

static int refuse(struct error *err)
{
    return error_set(err, ERROR_BUSY, "too many failed logins: try again in a few seconds");
}

static void refuse_late(void *argument)
{
    struct exchange *exchange = argument;
    struct error err;

    refuse(&err);
    exchange_refuse(exchange, &err);
    exchange->resume(exchange);
}

int login_wait_before(struct exchange *exchange, void (*go_on)(void *exchange), bool *ret_waits,
                      struct error *err)
{
    const struct peer *peer = exchange->peer;
    autofree char *user = find_user(exchange);

    *ret_waits = false;
    if (is_renewal(exchange))
        return 0;
    const struct throttle_key key = {peer->network, user, peer->local};
    switch (throttle_begin(exchange->server->throttle, &key, go_on, refuse_late, exchange)) {
    case THROTTLE_FULL:
        return refuse(err);
    case THROTTLE_WAITS:
        *ret_waits = true;
        break;
    case THROTTLE_GO:
        break;
    }
    return 0;
}

void login_wait_after(struct exchange *exchange, void (*answer)(void *exchange))
{
    enum throttle_result result = exchange->login_failure != NULL ? THROTTLE_FAILED
                                  : exchange->reply.status == 200 ? THROTTLE_PROVED
                                                                  : THROTTLE_NOT_TRIED;

    throttle_end(exchange->server->throttle, result, answer, exchange);
}
