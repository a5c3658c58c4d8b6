/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of storage/etcd/ share. */
#ifndef HOSTPCI_STORAGE_ETCD_INTERNAL_H
#define HOSTPCI_STORAGE_ETCD_INTERNAL_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/libcurl.h"
#include "storage/etcd/etcd.h"

#define ETCD_ENDPOINTS 16 /* the most that may be named */
#define ETCD_IDLE      8  /* connections that are kept for later */

struct etcd {
    char *endpoints[ETCD_ENDPOINTS];
    size_t count;
    char *ca, *certificate, *key;
    struct curl_slist *headers;
    _Atomic size_t turn;  /* modulo count: whom to ask first */
    pthread_mutex_t lock; /* guards the rest */
    CURL *idle[ETCD_IDLE];
    size_t idle_count;
};

/* One endpoint's answer to a POST of `request` to `path`; tries the others in turn when it does not answer.
 * `again`: also when the first may have carried it out. */
int etcd_call(struct etcd *etcd, const char *path, const json_t *request, bool again, json_t **ret,
              struct error *err);

/* Fills err from what etcd answered; `json` may be NULL. Returns -1. */
int etcd_refused(const char *endpoint, const json_t *json, struct error *err);

/* A handle that is ready for a call of the endpoint; and what libcurl said of a failure, as a sentence. */
CURL *etcd_take_handle(struct etcd *etcd);
void etcd_give_handle(struct etcd *etcd, CURL *curl);
void etcd_set_url(struct etcd *etcd, CURL *curl, const char *endpoint, const char *path);
int etcd_unanswered(CURL *curl, const char *endpoint, const char *detail, struct error *err);

/* A text in base64, as etcd has keys and values in JSON. NULL if it is not base64, or contains a NUL byte. */
json_t *etcd_encode(const char *text);
char *etcd_decode(const json_t *text);

int64_t etcd_number(const json_t *object, const char *name);
void etcd_read_state(const json_t *answer, struct etcd_state *ret);

/* Adds the item of a key-value object of etcd's; does nothing if it cannot be ours. */
void etcd_items_add(struct etcd_items *items, const json_t *pair, bool deleted);

#endif
