/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slows down the guessing of passwords. */
#include "server/request/login.h"

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

int login_wait_before(struct exchange *exchange, void (*go_on)(void *exchange), bool *ret_waits,
                      struct error *err)
{
    autofree char *user = find_user(exchange);
    const struct throttle_key key = {exchange->peer->address, user};
    struct throttle *throttle = exchange->server->throttle;

    *ret_waits = throttle_is_slow(throttle, &key);
    if (*ret_waits && !throttle_add(throttle, &key, go_on, exchange))
        return error_set(err, ERROR_BUSY, "too many failed logins: try again in a few seconds");
    return 0;
}

void login_wait_after(struct exchange *exchange, void (*answer)(void *exchange))
{
    autofree char *user = find_user(exchange);
    const struct throttle_key key = {exchange->peer->address, user};

    if (exchange->login_failure != NULL)
        throttle_add_always(exchange->server->throttle, &key, answer, exchange);
    else
        answer(exchange);
}
