/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may call an endpoint, as its declaration says (schema/endpoint.h). access/access.h checks it. */
#ifndef HOSTPCI_SCHEMA_PERMISSION_H
#define HOSTPCI_SCHEMA_PERMISSION_H

#include <stdbool.h>
#include <stddef.h>

/* The default is Proxmox's for an endpoint without a declaration: only root@pam. */
enum permission_kind {
    PERMISSION_ROOT,       /* root@pam only */
    PERMISSION_WORLD,      /* needs no login */
    PERMISSION_ALL,        /* any login; the handler shows each caller only what it may see */
    PERMISSION_PRIVILEGES, /* all of `privileges` (or `any` of them) on `path` */
    PERMISSION_OR,         /* one of `checks` */
    PERMISSION_AND,        /* all of `checks` */
    PERMISSION_SELF,       /* the caller is the user {userid}; a token never is */
    PERMISSION_USER_GROUP, /* one of `privileges` on /access/groups or on a group of {userid}, who exists */
    PERMISSION_REALM,      /* Realm.AllocateUser on the realm of {userid} */
    PERMISSION_NOT_ROOT,   /* {userid} is not root@pam, whom only root@pam itself, and not its tokens, may
                              change */
    PERMISSION_MODIFY, /* Permissions.Modify on `path`; below /storage, /vms, /pool also the right to allocate
                        */
};

/* For PERMISSION_USER_GROUP, about the parameter `groups`: a caller without the privilege on /access/groups
 * must send it, and needs the privilege on each of these groups. */
enum groups_rule {
    GROUPS_NOT_ASKED,
    GROUPS_UPDATE, /* besides the check of the user's current groups */
    GROUPS_CREATE, /* instead of it: {userid} does not exist yet */
};

struct permission {
    enum permission_kind kind;
    const char *path; /* "/mapping/pci/{id}": {x} stands for the parameter x */
    const char *const *privileges;
    bool any;
    enum groups_rule groups;
    const struct permission *checks; /* ends with one of kind PERMISSION_ROOT */
};

#define PRIVILEGE_LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ALLOW_WORLD         {.kind = PERMISSION_WORLD}
#define ALLOW_ALL           {.kind = PERMISSION_ALL}
#define ALLOW_PRIVILEGE(on, ...)                                                                             \
    {.kind = PERMISSION_PRIVILEGES, .path = (on), .privileges = PRIVILEGE_LIST(__VA_ARGS__)}
#define ALLOW_ANY_PRIVILEGE(on, ...)                                                                         \
    {.kind = PERMISSION_PRIVILEGES, .path = (on), .privileges = PRIVILEGE_LIST(__VA_ARGS__), .any = true}
#define ALLOW_CHECKS(how, ...)                                                                               \
    {                                                                                                        \
        .kind = (how), .checks = (const struct permission[])                                                 \
        {                                                                                                    \
            __VA_ARGS__,                                                                                     \
            {                                                                                                \
                .kind = PERMISSION_ROOT                                                                      \
            }                                                                                                \
        }                                                                                                    \
    }
#define ALLOW_OR(...)  ALLOW_CHECKS(PERMISSION_OR, __VA_ARGS__)
#define ALLOW_AND(...) ALLOW_CHECKS(PERMISSION_AND, __VA_ARGS__)

#endif
