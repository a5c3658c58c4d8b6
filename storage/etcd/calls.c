/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of etcd: what can be asked of it, in its JSON. */
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "storage/etcd/internal.h"

#define FOLDED 63 /* operations of a transaction inside another one: half of what etcd takes */

json_t *etcd_encode(const char *text)
{
    const gnutls_datum_t plain = {(unsigned char *)text, (unsigned)strlen(text)};
    gnutls_datum_t code;

    if (plain.size == 0)
        return json_string("");
    if (gnutls_base64_encode2(&plain, &code) < 0)
        abort(); /* it fails only without memory */
    json_t *ret = json_stringn((const char *)code.data, code.size);
    gnutls_free(code.data);
    return ret;
}

char *etcd_decode(const json_t *text)
{
    const gnutls_datum_t code = {(unsigned char *)json_string_value(text),
                                 (unsigned)json_string_length(text)};
    gnutls_datum_t plain;

    if (code.size == 0)
        return xstrdup("");
    if (gnutls_base64_decode2(&code, &plain) < 0)
        return NULL;
    char *ret =
        memchr(plain.data, '\0', plain.size) == NULL ? xstrndup((char *)plain.data, plain.size) : NULL;
    gnutls_free(plain.data);
    return ret;
}

/* etcd prints 64 bits as a string, and leaves out what is 0. */
int64_t etcd_number(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static json_t *print_number(int64_t number)
{
    return json_sprintf("%" PRId64, number);
}

void etcd_read_state(const json_t *answer, struct etcd_state *ret)
{
    const json_t *header = json_object_get(answer, "header");
    const char *cluster = json_string_value(json_object_get(header, "cluster_id"));

    snprintf(ret->cluster, sizeof(ret->cluster), "%s", cluster != NULL ? cluster : "");
    ret->revision = etcd_number(header, "revision");
}

void etcd_items_release(struct etcd_items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        free(items->items[i].key);
        free(items->items[i].value);
    }
    free(items->items);
    *items = (struct etcd_items){0};
}

void etcd_items_add(struct etcd_items *items, const json_t *pair, bool deleted)
{
    autofree char *key = etcd_decode(json_object_get(pair, "key")), *value = NULL;

    if (!deleted)
        value = etcd_decode(json_object_get(pair, "value"));
    if (key == NULL || (!deleted && value == NULL))
        return;
    items->items = xrealloc(items->items, items->count + 1, sizeof(*items->items));
    items->items[items->count++] =
        (struct etcd_item){TAKE(key), TAKE(value), etcd_number(pair, "mod_revision")};
}

static void add_pairs(struct etcd_items *items, const json_t *pairs)
{
    size_t i;
    json_t *pair;

    json_array_foreach(pairs, i, pair)
        etcd_items_add(items, pair, false);
}

int etcd_read(struct etcd *etcd, const char *first, const char *end, int limit, int64_t revision,
              struct etcd_items *ret, struct error *err)
{
    autojson json_t *answer = NULL;
    autojson json_t *request = json_pack("{s:o, s:o, s:o}", "key", etcd_encode(first), "limit",
                                         print_number(limit), "revision", print_number(revision));

    if (end != NULL)
        json_object_set_new(request, "range_end", etcd_encode(end));
    if (etcd_call(etcd, "kv/range", request, true, &answer, err) != 0)
        return -1;
    *ret = (struct etcd_items){.more = json_is_true(json_object_get(answer, "more"))};
    etcd_read_state(answer, &ret->state);
    add_pairs(ret, json_object_get(answer, "kvs"));
    return 0;
}

struct etcd_txn {
    json_t *expected;
    json_t *branches[2];
};

struct etcd_txn *etcd_txn_new(void)
{
    struct etcd_txn *txn = xcalloc(1, sizeof(*txn));

    *txn = (struct etcd_txn){json_array(), {json_array(), json_array()}};
    return txn;
}

void etcd_txn_free(struct etcd_txn *txn)
{
    if (txn == NULL)
        return;
    json_decref(txn->expected);
    json_decref(txn->branches[ETCD_THEN]);
    json_decref(txn->branches[ETCD_OTHERWISE]);
    free(txn);
}

void cleanup_etcd_txn(struct etcd_txn **txn)
{
    etcd_txn_free(*txn);
}

void etcd_txn_expect(struct etcd_txn *txn, const char *key, int64_t revision)
{
    json_array_append_new(txn->expected,
                          json_pack("{s:o, s:s, s:s, s:o}", "key", etcd_encode(key), "target", "MOD",
                                    "result", "EQUAL", "mod_revision", print_number(revision)));
}

void etcd_txn_expect_range(struct etcd_txn *txn, const char *first, const char *end, int64_t revision)
{
    json_array_append_new(txn->expected, json_pack("{s:o, s:o, s:s, s:s, s:o}", "key", etcd_encode(first),
                                                   "range_end", etcd_encode(end), "target", "MOD", "result",
                                                   "LESS", "mod_revision", print_number(revision + 1)));
}

void etcd_txn_put(struct etcd_txn *txn, enum etcd_branch branch, const char *key, const char *value,
                  int64_t lease)
{
    json_array_append_new(txn->branches[branch],
                          json_pack("{s:{s:o, s:o, s:o}}", "request_put", "key", etcd_encode(key), "value",
                                    etcd_encode(value), "lease", print_number(lease)));
}

static json_t *encode_range(const char *key, const char *end)
{
    json_t *range = json_pack("{s:o}", "key", etcd_encode(key));

    if (end != NULL)
        json_object_set_new(range, "range_end", etcd_encode(end));
    return range;
}

void etcd_txn_delete(struct etcd_txn *txn, enum etcd_branch branch, const char *key, const char *end)
{
    json_array_append_new(txn->branches[branch],
                          json_pack("{s:o}", "request_delete_range", encode_range(key, end)));
}

void etcd_txn_read(struct etcd_txn *txn, enum etcd_branch branch, const char *key)
{
    json_array_append_new(txn->branches[branch],
                          json_pack("{s:o}", "request_range", encode_range(key, NULL)));
}

/* etcd counts the operations of a transaction, and those of one inside another with the outer one's, but not
 * those of two that are beside each other. */
static json_t *fold(json_t *operations)
{
    json_t *folded = json_array(), *inner = NULL, *operation;
    size_t i;

    if (json_array_size(operations) <= 2 * FOLDED) {
        json_array_extend(folded, operations);
        return folded;
    }
    json_array_foreach(operations, i, operation) {
        if (i % FOLDED == 0) {
            inner = json_array();
            json_array_append_new(folded, json_pack("{s:{s:o}}", "request_txn", "success", inner));
        }
        json_array_append(inner, operation);
    }
    return folded;
}

int etcd_txn_run(struct etcd *etcd, const struct etcd_txn *txn, bool *ret_then, struct etcd_items *ret_items,
                 struct error *err)
{
    autojson json_t *answer = NULL;
    autojson json_t *request =
        json_pack("{s:O, s:o, s:o}", "compare", txn->expected, "success", fold(txn->branches[ETCD_THEN]),
                  "failure", fold(txn->branches[ETCD_OTHERWISE]));
    size_t i;
    json_t *response;

    if (etcd_call(etcd, "kv/txn", request, false, &answer, err) != 0)
        return -1;
    *ret_then = json_is_true(json_object_get(answer, "succeeded"));
    if (ret_items == NULL)
        return 0;
    *ret_items = (struct etcd_items){0};
    etcd_read_state(answer, &ret_items->state);
    json_array_foreach(json_object_get(answer, "responses"), i, response)
        add_pairs(ret_items, json_object_get(json_object_get(response, "response_range"), "kvs"));
    return 0;
}

int etcd_lease_grant(struct etcd *etcd, unsigned seconds, int64_t *ret, struct error *err)
{
    autojson json_t *answer = NULL, *request = json_pack("{s:o}", "TTL", print_number(seconds));

    if (etcd_call(etcd, "lease/grant", request, true, &answer, err) != 0)
        return -1;
    *ret = etcd_number(answer, "ID");
    return 0;
}

int etcd_lease_renew(struct etcd *etcd, int64_t lease, struct error *err)
{
    autojson json_t *answer = NULL, *request = json_pack("{s:o}", "ID", print_number(lease));

    if (etcd_call(etcd, "lease/keepalive", request, true, &answer, err) != 0)
        return -1;
    if (etcd_number(json_object_get(answer, "result"), "TTL") > 0)
        return 0;
    return error_set(err, ERROR_NOT_FOUND, "the lease %" PRIx64 " has ended", (uint64_t)lease);
}

int etcd_lease_revoke(struct etcd *etcd, int64_t lease, struct error *err)
{
    autojson json_t *answer = NULL, *request = json_pack("{s:o}", "ID", print_number(lease));

    return etcd_call(etcd, "lease/revoke", request, true, &answer, err);
}

int etcd_compact(struct etcd *etcd, int64_t revision, struct error *err)
{
    autojson json_t *answer = NULL, *request = json_pack("{s:o}", "revision", print_number(revision));

    return etcd_call(etcd, "kv/compaction", request, true, &answer, err);
}
