/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reply carries: bytes that are finished and never change, counted, with their tag; packed once, when
 * a client first asks for that. Thread-safe. */
#ifndef HOSTPCI_SERVER_REQUEST_REPLY_BODY_H
#define HOSTPCI_SERVER_REQUEST_REPLY_BODY_H

#include <stdbool.h>
#include <stddef.h>

/* Shorter ones are sent as they are, as in Proxmox. */
#define REPLY_PACK_LENGTH 1024

struct MHD_Response;
struct reply_body;

struct reply_body *reply_body_new(char *text, size_t length);           /* takes the text */
struct reply_body *reply_body_borrow(const char *bytes, size_t length); /* they must outlive it */
struct reply_body *reply_body_share(struct reply_body *body);
void reply_body_release(struct reply_body *body); /* takes NULL */

const char *reply_body_bytes(const struct reply_body *body);
size_t reply_body_length(const struct reply_body *body);

/* A weak ETag, W/"SHA-1": the same for the bytes and for what they are packed into. */
const char *reply_body_tag(struct reply_body *body);

/* Packs it with gzip (RFC 1952); false if it is short. */
bool reply_body_pack(struct reply_body *body);
size_t reply_body_packed_length(const struct reply_body *body); /* after reply_body_pack */

/* For libmicrohttpd, with a reference of its own. */
struct MHD_Response *reply_body_respond(struct reply_body *body, bool packed);

#endif
