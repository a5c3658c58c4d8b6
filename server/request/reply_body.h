/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The body of a reply: immutable, reference-counted bytes, which several replies and the cache may share. The
 * tag and the compressed form are each made once, when a client first asks for them. Thread-safe. */
#ifndef HOSTPCI_SERVER_REQUEST_REPLY_BODY_H
#define HOSTPCI_SERVER_REQUEST_REPLY_BODY_H

#include <stdbool.h>
#include <stddef.h>

/* Bodies up to this length are not compressed, as in Proxmox. */
#define REPLY_PACK_LENGTH 1024

struct reply_body;

struct reply_body *reply_body_new(char *text, size_t length);           /* takes the text */
struct reply_body *reply_body_borrow(const char *bytes, size_t length); /* they must outlive it */
struct reply_body *reply_body_share(struct reply_body *body);
void reply_body_release(struct reply_body *body); /* takes NULL */

const char *reply_body_bytes(const struct reply_body *body);
size_t reply_body_length(const struct reply_body *body);

/* A weak ETag, W/"SHA-1", which stands for the bytes, compressed or not. */
const char *reply_body_tag(struct reply_body *body);

/* Compresses it with gzip (RFC 1952); false if it is too short. */
bool reply_body_pack(struct reply_body *body);
const void *reply_body_packed(const struct reply_body *body, size_t *ret_length); /* after reply_body_pack */

#endif
