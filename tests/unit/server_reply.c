/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The envelope, the status and the reason phrase of a reply; kept replies. */
#include <criterion/criterion.h>
#include <microhttpd.h>
#include <string.h>

#include "base/memory.h"
#include "server/cache.h"
#include "server/reply.h"

static char shown[2048];

static const char *data(json_t *value)
{
    size_t length;
    autofree char *text = reply_print_data(value, &length);

    json_decref(value);
    cr_assert_eq(length, strlen(text));
    snprintf(shown, sizeof(shown), "%s", text);
    return shown;
}

static const char *error_body(const struct error *err, const json_t *errors)
{
    autofree char *text = reply_print_error(err, errors);

    snprintf(shown, sizeof(shown), "%s", text);
    return shown;
}

Test(server_reply, data)
{
    cr_expect_str_eq(data(NULL), "{\"data\":null}");
    cr_expect_str_eq(data(json_string("100")), "{\"data\":\"100\"}");
    cr_expect_str_eq(data(json_pack("[{s:s, s:i}]", "z", "1", "a", 2)), "{\"data\":[{\"z\":\"1\",\"a\":2}]}",
                     "keys stay in their order");
}

Test(server_reply, error)
{
    autojson json_t *errors = json_pack("{s:s}", "map", "property is missing and it is not optional");
    struct error err;

    error_set(&err, ERROR_FAILED, "mapping 'x' not found");
    cr_expect_str_eq(error_body(&err, NULL), "{\"data\":null,\"message\":\"mapping 'x' not found\\n\"}");
    error_set(&err, ERROR_INVALID, "Parameter verification failed.");
    cr_expect_str_eq(error_body(&err, errors),
                     "{\"data\":null,\"message\":\"Parameter verification failed.\\n\","
                     "\"errors\":{\"map\":\"property is missing and it is not optional\"}}");
    error_set_field(&err, "vmid", "VM %d already exists", 100);
    cr_expect_str_eq(error_body(&err, NULL),
                     "{\"data\":null,\"message\":\"Parameter verification failed.\\n\","
                     "\"errors\":{\"vmid\":\"VM 100 already exists\"}}");
}

Test(server_reply, error_that_quotes_what_is_no_text)
{
    struct error err;

    error_set(&err, ERROR_FAILED, "value '\xff\x01' is wrong");
    cr_expect_str_eq(error_body(&err, NULL), "{\"data\":null,\"message\":\"value '?\\u0001' is wrong\\n\"}");
    error_set_field(&err, "x", "value '\xff' is wrong");
    cr_expect_str_eq(error_body(&err, NULL),
                     "{\"data\":null,\"message\":\"Parameter verification failed.\\n\","
                     "\"errors\":{\"x\":\"value '?' is wrong\"}}");
}

Test(server_reply, status)
{
    static const unsigned expected[][2] = {
        {ERROR_FAILED, 500},     {ERROR_INVALID, 400},  {ERROR_UNAUTHENTICATED, 401}, {ERROR_FORBIDDEN, 403},
        {ERROR_NOT_FOUND, 500},  {ERROR_CONFLICT, 500}, {ERROR_NO_METHOD, 501},       {ERROR_TOO_LARGE, 501},
        {ERROR_MEDIA_TYPE, 506}, {ERROR_NO_HOST, 500},  {ERROR_UNREADABLE, 400},      {ERROR_BUSY, 503},
    };

    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct error err = {.kind = expected[i][0]};
        cr_expect_eq(reply_status(&err), expected[i][1], "kind %u", expected[i][0]);
    }
}

static const char *phrase(const char *message)
{
    struct reply reply;
    struct error err;

    error_set(&err, ERROR_FAILED, "%s", message);
    reply_error(&reply, &err, NULL);
    snprintf(shown, sizeof(shown), "%s", reply.phrase);
    cr_assert_lt(strlen(shown), sizeof(reply.phrase));
    reply_release(&reply);
    return shown;
}

Test(server_reply, reason_phrase_is_the_first_line_and_cannot_forge_headers)
{
    autofree char *longest = xcalloc(1001, 1);

    memset(longest, 'a', 1000);
    cr_expect_str_eq(phrase("no such user ('x')"), "no such user ('x')");
    cr_expect_str_eq(phrase("first\nsecond"), "first");
    cr_expect_str_eq(phrase("a\r\nSet-Cookie: b"), "a?");
    cr_expect_str_eq(phrase("\x01\x7f\xc3\xa4"), "????");
    cr_expect_eq(strlen(phrase(longest)), sizeof(((struct reply *)NULL)->phrase) - 1);
}

Test(server_reply, wrong_login_has_no_body)
{
    struct reply reply;
    struct error err;

    error_set(&err, ERROR_UNAUTHENTICATED, "Authentication failed!");
    reply_error(&reply, &err, NULL);
    cr_expect_eq(reply.status, 401);
    cr_expect_str_eq(reply.phrase, "Authentication failed!");
    cr_expect_eq(reply_body_length(reply.body), 0);
    reply_release(&reply);
}

Test(server_reply, phrases_of_others_are_the_usual_ones)
{
    cr_expect_str_eq(MHD_get_reason_phrase_for(400), "Bad Request");
    cr_expect_eq(MHD_get_reason_phrase_len_for(400), strlen("Bad Request"));
}

static struct reply_body *body_of(const char *text)
{
    struct reply reply;

    reply_data(&reply, json_string(text));
    return reply.body;
}

/* Keeps a reply under the name. */
static void keep(struct reply_cache *cache, const struct endpoint *endpoint, const char *params,
                 uint64_t version, const char *text)
{
    struct reply_body *body = body_of(text);

    reply_cache_keep(cache, endpoint, params, version, body);
    reply_body_release(body);
}

/* The length of the kept reply, 0 if there is none. */
static size_t kept(struct reply_cache *cache, const struct endpoint *endpoint, const char *params,
                   uint64_t version)
{
    struct reply_body *body = reply_cache_find(cache, endpoint, params, version);
    size_t length = body != NULL ? reply_body_length(body) : 0;

    reply_body_release(body);
    return length;
}

Test(server_reply, kept_while_the_version_stays)
{
    static const struct endpoint one, two;
    struct reply_cache *cache = reply_cache_new();
    const size_t envelope = strlen("{\"data\":\"\"}");

    keep(cache, &one, "{}", 1, "a");
    cr_expect_eq(kept(cache, &one, "{}", 1), envelope + 1);
    cr_expect_eq(kept(cache, &two, "{}", 1), 0);
    cr_expect_eq(kept(cache, &one, "{\"verbose\":0}", 1), 0);
    cr_expect_eq(kept(cache, &one, "{}", 2), 0);
    keep(cache, &one, "{}", 2, "abc");
    cr_expect_eq(kept(cache, &one, "{}", 2), envelope + 3);
    cr_expect_eq(kept(cache, &one, "{}", 1), 0, "the old version is gone");
    reply_cache_free(cache);
}

Test(server_reply, least_recently_used_one_goes)
{
    static const struct endpoint endpoint;
    struct reply_cache *cache = reply_cache_new();
    char params[16];

    for (int i = 0; i <= CACHE_SIZE; i++) {
        snprintf(params, sizeof(params), "%d", i);
        keep(cache, &endpoint, params, 1, "a");
        cr_expect_neq(kept(cache, &endpoint, "0", 1), 0, "it is used all the time");
    }
    cr_expect_eq(kept(cache, &endpoint, "1", 1), 0, "the oldest of the others");
    cr_expect_neq(kept(cache, &endpoint, "2", 1), 0);
    reply_cache_free(cache);
}
