/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user.cfg: users, tokens, groups, roles and the access control list, a line each, with fields between
 * colons.
 */
#include <stdio.h>
#include <string.h>

#include "access/acl_entry.h"
#include "access/role.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/transfer/formats.h"
#include "schema/format.h"
#include "vm/value.h"

#define FIELDS_MAX 10

/* The fields after the first, which is the line's kind; "" for those that the line does not have. */
struct fields {
    const char *at[FIELDS_MAX];
};

static char *decode(const char *encoded)
{
    struct text text = {0};

    vm_value_append_decoded(&text, encoded);
    return text_take(&text);
}

/* Parameters of these names ("": the field is none). An empty field has its default. */
static json_t *set_fields(const struct intake_source *source, const struct fields *fields,
                          const char *const *names)
{
    json_t *parameters = json_object();

    for (size_t i = 0; names[i] != NULL; i++) {
        autofree char *value = decode(fields->at[i]);
        autojson json_t *string = json_string(value);
        if (string == NULL)
            intake_leave_out(source, "%s of %s is not UTF-8", names[i], fields->at[0]);
        else if (names[i][0] != '\0' && value[0] != '\0')
            json_object_set(parameters, names[i], string);
    }
    return parameters;
}

/* A step that makes something which a DELETE of its own path removes. */
static bool add_thing(struct intake_source *source, const char *list, const char *kind, const char *name,
                      json_t *parameters)
{
    autofree char *path = xasprintf("%s/%s", list, name);
    struct intake_step step = {.stage = INTAKE_ACCESS,
                               .list = list,
                               .name = name,
                               .what = xasprintf("%s %s", kind, name),
                               .make = intake_call(METHOD_POST, list, parameters),
                               .undo = intake_call(METHOD_DELETE, path, NULL)};

    return intake_add(source, &step);
}

/* user:ID:ENABLE:EXPIRE:FIRST:LAST:EMAIL:COMMENT:KEYS: */
static void read_user(struct intake_source *source, const struct fields *fields)
{
    static const char *const names[] = {"userid", "enable",  "expire", "firstname", "lastname",
                                        "email",  "comment", "keys",   NULL};

    if (add_thing(source, INTAKE_USERS, "user", fields->at[0], set_fields(source, fields, names)) &&
        text_ends_with(fields->at[0], "@pve"))
        intake_leave_out(source, "the password of user %s: `hostpci set /access/password` sets a new one",
                         fields->at[0]);
}

/* token:USER!ID:EXPIRE:PRIVSEP:COMMENT: */
static void read_token(struct intake_source *source, const struct fields *fields)
{
    static const char *const names[] = {"", "expire", "privsep", "comment", NULL};
    const char *id = fields->at[0], *mark = strchr(id, '!');
    autofree char *user = xstrndup(id, strcspn(id, "!"));

    if (mark == NULL || !intake_knows(source->intake, INTAKE_USERS, user)) {
        intake_leave_out(source, "token %s: its user is not known", id);
        return;
    }
    autofree char *path = xasprintf(INTAKE_USERS "/%s/token/%s", user, mark + 1);
    struct intake_step step = {.stage = INTAKE_ACCESS,
                               .list = INTAKE_TOKENS,
                               .name = id,
                               .what = xasprintf("token %s, with a new secret", id),
                               .make = intake_call(METHOD_POST, path, set_fields(source, fields, names)),
                               .undo = intake_call(METHOD_DELETE, path, NULL)};
    intake_add(source, &step);
}

/* Removing the group ends its memberships, so these have no undoing of their own. */
static void add_member(struct intake_source *source, const char *group, const char *user)
{
    autofree char *path = xasprintf(INTAKE_USERS "/%s", user);

    if (!intake_knows(source->intake, INTAKE_USERS, user)) {
        intake_leave_out(source, "member %s of group %s: there is no such user", user, group);
        return;
    }
    struct intake_step step = {
        .stage = INTAKE_ACCESS,
        .what = xasprintf("member %s of group %s", user, group),
        .make = intake_call(METHOD_PUT, path, json_pack("{s:s, s:s}", "groups", group, "append", "1"))};
    intake_add(source, &step);
}

/* group:ID:USERS:COMMENT: */
static void read_group(struct intake_source *source, const struct fields *fields)
{
    static const char *const names[] = {"groupid", "", "comment", NULL};
    autosplit char **members = format_split_list(fields->at[1]);

    if (!add_thing(source, INTAKE_GROUPS, "group", fields->at[0], set_fields(source, fields, names)))
        return;
    for (char **member = members; *member != NULL; member++)
        add_member(source, fields->at[0], *member);
}

/* role:ID:PRIVS: */
static void read_role(struct intake_source *source, const struct fields *fields)
{
    autosplit char **privileges = format_split_list(fields->at[1]);
    autotext struct text known = {0};

    for (char **privilege = privileges; *privilege != NULL; privilege++)
        if (privilege_find(*privilege) != 0)
            text_printf(&known, "%s%s", known.length > 0 ? "," : "", *privilege);
        else
            intake_leave_out(source, "privilege %s of role %s: hostpci has no such privilege", *privilege,
                             fields->at[0]);
    add_thing(source, INTAKE_ROLES, "role", fields->at[0],
              json_pack("{s:s, s:s}", "roleid", fields->at[0], "privs", text_string(&known)));
}

/* One role of one user, group or token on one path, so that its undoing removes nothing else. */
static void add_entry(struct intake_source *source, const struct fields *fields, const char *who,
                      const char *role)
{
    const char *path = fields->at[1], *name = who + (who[0] == '@');
    bool token = strchr(who, '!') != NULL, group = who[0] == '@';
    const char *list = token ? INTAKE_TOKENS : group ? INTAKE_GROUPS : INTAKE_USERS;
    const char *parameter = token ? "tokens" : group ? "groups" : "users";

    if (!intake_knows(source->intake, list, name) || !intake_knows(source->intake, INTAKE_ROLES, role)) {
        bool unknown_role = intake_knows(source->intake, list, name);
        intake_leave_out(source, "role %s on %s for %s: there is no such %s", role, path, who,
                         unknown_role ? "role"
                         : token      ? "token"
                         : group      ? "group"
                                      : "user");
        return;
    }
    autofree char *entry = xasprintf("%s %s %s", path, name, role);
    json_t *grant = json_pack("{s:s, s:s, s:s}", "path", path, "roles", role, parameter, name);
    autojson json_t *revoke = json_copy(grant);
    json_object_set_new(grant, "propagate", json_string(fields->at[0]));
    json_object_set_new(revoke, "delete", json_string("1"));
    struct intake_step step = {.stage = INTAKE_ACCESS,
                               .list = INTAKE_ACL,
                               .name = entry,
                               .what = xasprintf("role %s on %s for %s", role, path, who),
                               .make = intake_call(METHOD_PUT, INTAKE_ACL, grant),
                               .undo = intake_call(METHOD_PUT, INTAKE_ACL, json_incref(revoke))};
    intake_add(source, &step);
}

/* acl:PROPAGATE:PATH:IDS:ROLES: */
static void read_acl(struct intake_source *source, const struct fields *fields)
{
    autosplit char **ids = format_split_list(fields->at[2]), **roles = format_split_list(fields->at[3]);

    if (!acl_entry_path_is_valid(fields->at[1])) {
        intake_leave_out(source, "permissions on %s: there can be none on this path", fields->at[1]);
        return;
    }
    for (char **id = ids; *id != NULL; id++)
        for (char **role = roles; *role != NULL; role++)
            add_entry(source, fields, *id, *role);
}

static void read_pool(struct intake_source *source, const struct fields *fields)
{
    intake_leave_out(source, "pool %s: hostpci has no pools", fields->at[0]);
}

/* In the order in which they need each other, whatever the order of the file. */
static const struct kind {
    const char *name;
    void (*read)(struct intake_source *source, const struct fields *fields);
} kinds[] = {{"user", read_user}, {"token", read_token}, {"group", read_group},
             {"pool", read_pool}, {"role", read_role},   {"acl", read_acl}};

static bool is_kind(const char *line, const char *name)
{
    return text_starts_with(line, name) && line[strlen(name)] == ':';
}

static void read_line(struct intake_source *source, const struct kind *kind, char *line)
{
    struct fields fields;
    char *rest = line + strlen(kind->name) + 1;

    for (size_t i = 0; i < FIELDS_MAX; i++) {
        char *field = strsep(&rest, ":");
        fields.at[i] = field != NULL ? field : "";
    }
    kind->read(source, &fields);
}

/* Nothing is read of a line that is of no kind, or not text: json_pack() refuses what is not UTF-8. */
static void check_line(struct intake_source *source, const char *line)
{
    autojson json_t *readable = json_string(line);

    if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
        return;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (is_kind(line, kinds[i].name) && readable != NULL)
            return;
    if (readable == NULL)
        intake_leave_out(source, "the line is not UTF-8");
    else
        intake_leave_out(source, "the line is of no known kind: %.20s", line);
}

/* The lines of one kind; with NULL, those of none are told. */
static void read_kind(struct intake_source *source, const struct kind *kind)
{
    autofree char *copy = xstrdup(source->text);
    char *rest = copy;

    source->line = 0;
    for (char *line; (line = intake_next_line(source, &rest)) != NULL;) {
        autojson json_t *readable = json_string(line);
        if (kind == NULL)
            check_line(source, line);
        else if (readable != NULL && is_kind(line, kind->name))
            read_line(source, kind, line);
    }
}

void user_file_read(struct intake_source *source)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        read_kind(source, &kinds[i]);
    read_kind(source, NULL);
}

/* Adds a field with its colon: a string encoded, a number as it is, nothing for NULL. */
static void print_field(struct text *text, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (json_is_string(value))
        vm_value_append_encoded(text, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        text_printf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    text_append(text, ":");
}

static void print_fields(struct text *text, const json_t *object, const char *const *names)
{
    for (; *names != NULL; names++)
        print_field(text, object, *names);
    text_append(text, "\n");
}

static void print_users(struct text *text, const json_t *users)
{
    static const char *const of_user[] = {"enable", "expire",  "firstname", "lastname",
                                          "email",  "comment", "keys",      NULL};
    static const char *const of_token[] = {"expire", "privsep", "comment", NULL};
    const json_t *user, *token;
    size_t i, j;

    json_array_foreach(users, i, user) {
        const char *id = json_text(user, "userid");
        text_printf(text, "user:%s:", id);
        print_fields(text, user, of_user);
        json_array_foreach(json_object_get(user, "tokens"), j, token) {
            text_printf(text, "token:%s!%s:", id, json_text(token, "tokenid"));
            print_fields(text, token, of_token);
        }
    }
}

static void print_groups(struct text *text, const json_t *groups)
{
    static const char *const comment[] = {"comment", NULL};
    const json_t *group;
    size_t i;

    json_array_foreach(groups, i, group) {
        text_printf(text, "group:%s:%s:", json_text(group, "groupid"), json_text(group, "users"));
        print_fields(text, group, comment);
    }
}

static void print_roles(struct text *text, const json_t *roles)
{
    const json_t *role;
    size_t i;

    json_array_foreach(roles, i, role)
        if (json_integer_value(json_object_get(role, "special")) == 0)
            text_printf(text, "role:%s:%s:\n", json_text(role, "roleid"), json_text(role, "privs"));
}

static void print_acl(struct text *text, const json_t *acl)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(acl, i, entry)
        text_printf(text, "acl:%d:%s:%s%s:%s:\n",
                    json_integer_value(json_object_get(entry, "propagate")) != 0, json_text(entry, "path"),
                    strcmp(json_text(entry, "type"), "group") == 0 ? "@" : "", json_text(entry, "ugid"),
                    json_text(entry, "roleid"));
}

char *user_file_print(const json_t *users, const json_t *groups, const json_t *roles, const json_t *acl)
{
    struct text text = {0};

    print_users(&text, users);
    text_append(&text, "\n");
    print_groups(&text, groups);
    text_append(&text, "\n");
    print_roles(&text, roles);
    text_append(&text, "\n");
    print_acl(&text, acl);
    return text_take(&text);
}
