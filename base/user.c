/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users and groups of this host, by name. */
#include "base/user.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

bool user_find(const char *name, struct user *ret)
{
    autofile FILE *file = fopen("/etc/passwd", "re");
    struct passwd entry = {0}, *user;
    char line[4096];

    while (file != NULL && fgetpwent_r(file, &entry, line, sizeof(line), &user) == 0) {
        if (strcmp(user->pw_name, name) != 0)
            continue;
        *ret = (struct user){.uid = user->pw_uid, .gid = user->pw_gid};
        snprintf(ret->name, sizeof(ret->name), "%s", name);
        return true;
    }
    return false;
}

bool user_has_id(uid_t uid)
{
    autofile FILE *file = fopen("/etc/passwd", "re");
    struct passwd entry = {0}, *user;
    char line[4096];

    while (file != NULL && fgetpwent_r(file, &entry, line, sizeof(line), &user) == 0)
        if (user->pw_uid == uid)
            return true;
    return false;
}

bool user_find_group(const char *name, gid_t *ret)
{
    autofile FILE *file = fopen("/etc/group", "re");
    struct group entry = {0}, *group;
    char line[65536];

    while (file != NULL && fgetgrent_r(file, &entry, line, sizeof(line), &group) == 0) {
        if (strcmp(group->gr_name, name) != 0)
            continue;
        *ret = group->gr_gid;
        return true;
    }
    return false;
}
