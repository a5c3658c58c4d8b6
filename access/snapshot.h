/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshot: users, groups, roles and ACL at one moment, so that checks do not read the database.
 *
 * A snapshot is immutable, shared and reference-counted (snapshot_retain, snapshot_release). What the lookups
 * return belongs to the snapshot.
 *
 * The documents of this room are:
 *   user  "u@realm": {enable, expire, firstname?, lastname?, email?, comment?, keys?, password?,
 *                     epoch?, created?, tokens?: {id: {hash, privsep, expire, comment?}}}
 *   group "g":       {comment?, members: ["u@realm", ...]}
 *   role  "r":       {privs: ["VM.Audit", ...]}
 *   acl   "/path":   {users?: {"u@realm": {role: propagate}}, groups?: {"g": {...}},
 *                     tokens?: {"u@realm!t": {...}}}
 *   realm "pve":     {comment?, default?}, which is not in the snapshot
 *
 * password is a hash of crypt(3); the hash of a token is the SHA-256 of its secret. epoch is a random word
 * that tickets contain; it is changed to invalidate them (access/ticket.h). */
#ifndef HOSTPCI_ACCESS_SNAPSHOT_H
#define HOSTPCI_ACCESS_SNAPSHOT_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

#include "access/shelf.h"
#include "storage/storage.h"

struct snapshot {
    _Atomic unsigned holders;
    uint64_t generation; /* the storage's, before it was read */
    int64_t newest;      /* number of the newest change in it (storage/storage.h) */
    struct shelf users;  /* by userid */
    struct shelf acl;    /* by path */
    json_t *groups;      /* {group: document} */
    json_t *groups_of;   /* {userid: [group]} of users who are in a group */
    json_t *role_documents;
    json_t *roles; /* {role: set}: access/role.h */
};

int snapshot_read(struct storage *storage, struct snapshot **ret, struct error *err);
/* The same, but reads only what has changed since `before`, and shares the rest with it, so that the first
 * request after a write does not have to read all users. */
int snapshot_follow(struct storage *storage, const struct snapshot *before, struct snapshot **ret,
                    struct error *err);
struct snapshot *snapshot_retain(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); /* takes NULL */
void cleanup_snapshot(struct snapshot **snapshot);
#define autosnapshot __attribute__((cleanup(cleanup_snapshot)))

/* The current snapshot, which is renewed if the storage has changed. The caller releases it. */
struct access;
int access_snapshot(struct access *access, struct snapshot **ret, struct error *err);

/* The ids on one of its shelves, in order. The array, which the caller frees, ends with NULL. */
const char **snapshot_sort(const struct shelf *shelf);

/* NULL if there is no such user or token. */
const json_t *snapshot_user(const struct snapshot *snapshot, const char *user);
const json_t *snapshot_token(const struct snapshot *snapshot, const char *user, const char *token);

#endif
