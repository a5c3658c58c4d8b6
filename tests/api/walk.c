/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking a client's requests one after the other. */
#include "tests/api/walk.h"

#include <criterion/criterion.h>
#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/console.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"
#include "tests/api/walk.h"

#define USER    "installer@pve"
#define MAPPING "card"
#define SECONDS 60
#define PLAIN   "application/x-www-form-urlencoded"
#define EDGE    "multipart/form-data; boundary=edge"

/* What came in the replies so far. */
static struct {
    const struct walk *walk;
    const char *device; /* NULL: none */
    char *credential;   /* a line of the head */
    char *upid, *digest;
} now;

static void keep(char **kept, const char *value)
{
    free(*kept);
    *kept = xstrdup(value);
}

static void enter_by_token(void)
{
    const json_t *token = post("/access/users/" USER "/token/ci", "privsep", "0", NULL);
    autofree char *credential = xasprintf(USER "!ci=%s", text_of(token, "value"));

    call_with_token(credential);
    now.credential = xasprintf("Authorization: PVEAPIToken=%s\r\n", credential);
}

static void enter_by_ticket(void)
{
    call_with_token("");
    const json_t *entered = post("/access/ticket", "username", USER, "password", PASSWORD, NULL);
    char *escaped = curl_easy_escape(NULL, text_of(entered, "ticket"), 0);
    call_with_ticket(text_of(entered, "ticket"), text_of(entered, "CSRFPreventionToken"));
    now.credential = xasprintf("Cookie: PVEAuthCookie=%s\r\n", escaped);
    curl_free(escaped);
}

static char *expand(const char *text)
{
    const struct {
        const char *name, *value;
    } values[] = {
        {"{upid}", now.upid},
        {"{digest}", now.digest},
        {"{device}", now.device != NULL ? "&hostpci0=mapping%3D" MAPPING "%2Cpcie%3D1" : ""},
    };
    struct text ret = {0};

    while (*text != '\0') {
        size_t i = 0;
        while (i < COUNT_OF(values) && !text_starts_with(text, values[i].name))
            i++;
        if (i < COUNT_OF(values)) {
            cr_assert_not_null(values[i].value, "%s before there is one", values[i].name);
            text_append(&ret, values[i].value);
            text += strlen(values[i].name);
        } else {
            text_append_bytes(&ret, text++, 1);
        }
    }
    return text_take(&ret);
}

/* Whether `found` has all that is in `wanted`. */
static bool holds(const json_t *found, const json_t *wanted)
{
    const char *name;
    json_t *value;
    size_t i, k;

    if (json_is_array(wanted) && json_array_size(wanted) == 0)
        return json_is_array(found) && json_array_size(found) == 0;
    if (json_is_array(wanted)) {
        json_array_foreach(wanted, i, value) {
            for (k = 0; k < json_array_size(found) && !holds(json_array_get(found, k), value);)
                k++;
            if (k == json_array_size(found))
                return false;
        }
        return json_is_array(found);
    }
    if (!json_is_object(wanted))
        return json_equal(found, wanted) != 0;
    json_object_foreach((json_t *)wanted, name, value)
        if (!holds(json_object_get(found, name), value))
            return false;
    return json_is_object(found);
}

static bool gives(const struct walk_step *step, const struct reply *reply)
{
    if (reply->status != 200 || (reply->json != NULL && json_object_get(reply->json, "success") != NULL &&
                                 json_integer_value(json_object_get(reply->json, "success")) != 1))
        return false;
    if (step->gives == NULL)
        return true;
    autofree char *text = xstrdup(step->gives);
    for (char *quote = text; (quote = strchr(quote, '\'')) != NULL;)
        *quote = '"';
    autojson json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(wanted, "%s", text);
    return holds(reply->data, wanted);
}

static bool is_right(const struct walk_step *step, const struct reply *reply)
{
    const char *message = json_string_value(json_object_get(reply->json, "message"));

    if (step->fails == NULL)
        return gives(step, reply);
    return message != NULL && text_ends_with(message, step->fails);
}

static const struct reply *ask(const struct walk_step *step)
{
    autofree char *path = expand(step->path), *form = step->form != NULL ? expand(step->form) : NULL;

    return CALL(.method = step->method, .path = path, .body = form,
                .content_type = form != NULL ? PLAIN : NULL);
}

static const struct reply *upload(const struct walk_step *step)
{
    autofree char *disc = guest_make_disc(&guest_of_agent);
    autotext struct text form = {0};

    text_append(&form, "--edge\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\niso\r\n--edge\r\n"
                       "Content-Disposition: form-data; name=\"filename\"; filename=\"guest.iso\"\r\n"
                       "Content-Type: application/octet-stream\r\n\r\n");
    text_append_bytes(&form, disc, GUEST_DISC_SIZE);
    text_append(&form, "\r\n--edge--\r\n");
    return CALL(.method = step->method, .path = step->path, .body = form.data, .length = form.length,
                .content_type = EDGE);
}

static const struct reply *ask_until(const struct walk_step *step)
{
    double end = machine_slept() + SECONDS;

    for (;;) {
        const struct reply *reply = ask(step);
        if (is_right(step, reply) || machine_slept() >= end)
            return reply;
        machine_sleep(100);
    }
}

static void see_screen(const json_t *proxy)
{
    autoclose int fd = raw_connect_tcp();
    char version[12];

    console_ask(fd, proxy, now.credential);
    autofree char *head = console_receive_head(fd);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    console_receive_stream(fd, version, sizeof(version));
    cr_expect_eq(memcmp(version, "RFB 003.008\n", sizeof(version)), 0);
}

static void wait_for_task(const char *upid)
{
    const char *end = vm_task_end(upid);
    autofree char *log = json_dumps(vm_task_log(upid), JSON_INDENT(1));

    cr_assert_str_eq(end, "OK", "%s: %s: %s", now.walk->client, upid, log);
}

static void take_step(const struct walk_step *step)
{
    const struct reply *reply = step->way == WALK_UPLOAD  ? upload(step)
                                : step->way == WALK_UNTIL ? ask_until(step)
                                                          : ask(step);
    const char *digest = json_string_value(json_object_get(reply->data, "digest"));

    cr_assert(is_right(step, reply), "%s: %s %s %s\n%u %s\nwanted: %s", now.walk->client, step->method,
              step->path, step->form != NULL ? step->form : "", reply->status, reply->body,
              step->fails != NULL   ? step->fails
              : step->gives != NULL ? step->gives
                                    : "success");
    if (digest != NULL)
        keep(&now.digest, digest);
    if (step->way == WALK_SCREEN)
        see_screen(reply->data);
    if (step->way == WALK_TASK || step->way == WALK_UPLOAD) {
        keep(&now.upid, json_string_value(reply->data));
        wait_for_task(now.upid);
    }
}

static void map_device(void)
{
    autofree char *path = xasprintf("/nodes/" NODE "/hardware/pci/%s/map", now.device);

    if (now.device != NULL)
        post(path, "mapping", MAPPING, NULL);
}

/* The disc is the host's, and not the VM's. */
static void nothing_is_left(void)
{
    autofree char *folder = xasprintf("%s/vm/100", daemon_run()),
                  *images = xasprintf("%s/images/100", daemon_store());
    double end = machine_slept() + SECONDS;

    is_json(get(QEMU, NULL), "[]");
    cr_expect_eq(json_array_size(get("/nodes/" NODE "/storage/local/content", NULL)), 1);
    while (access(folder, F_OK) == 0 && machine_slept() < end)
        machine_sleep(50);
    cr_expect_neq(access(folder, F_OK), 0, "'%s' is left", folder);
    cr_expect_neq(access(images, F_OK), 0, "'%s' is left", images);
}

void walk_run(const struct walk *walk, const char *device)
{
    now.walk = walk;
    now.device = device;
    account_create(USER, NULL);
    account_grant("/", "Administrator", "users", USER);
    map_device();
    if (walk->ticket)
        enter_by_ticket();
    else
        enter_by_token();
    for (const struct walk_step *step = walk->steps; step->method != NULL; step++)
        take_step(step);
    nothing_is_left();
    call_with_token(NULL);
}
