/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration as a file: reading it. */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "schema/format.h"
#include "schema/property_string.h"
#include "vm/config/parts.h"
#include "vm/disk.h"
#include "vm/value.h"

enum section { MAIN, PENDING, OTHER };

struct reader {
    enum section section;
    json_t *values[OTHER]; /* of MAIN and PENDING */
    struct text remarks[OTHER];
    unsigned remarked[OTHER]; /* the line of the first remark; 0: there is none */
    json_t *removed;
    json_t *left_out;     /* {KEY: 1}, of both */
    unsigned boot[OTHER]; /* the line of boot */
    unsigned line;
    const json_t *volumes; /* of the store; NULL: all are there */
    struct text *warnings; /* may be NULL */
};

/* The reason may have several lines, since that of a property string has a line for each part. */
static void warn(const struct reader *reader, const char *what, const char *reason)
{
    if (reader->warnings == NULL)
        return;
    text_printf(reader->warnings, "line %u: %s is left out", reader->line, what);
    for (const char *at = reason; *at != '\0'; at += strspn(at, "\n")) {
        text_append(reader->warnings, at == reason ? ": " : "; ");
        text_append_bytes(reader->warnings, at, strcspn(at, "\n"));
        at += strcspn(at, "\n");
    }
    text_append(reader->warnings, "\n");
}

static void add_remark(struct reader *reader, const char *line)
{
    struct text *remarks = &reader->remarks[reader->section];

    if (reader->remarked[reader->section] != 0)
        text_append(remarks, "\n");
    else
        reader->remarked[reader->section] = reader->line;
    vm_value_append_decoded(remarks, line);
}

static void open_section(struct reader *reader, char *line)
{
    line[strcspn(line, "]")] = '\0';
    reader->section = strcmp(line + 1, "PENDING") == 0 ? PENDING : OTHER;
    if (reader->section == OTHER)
        warn(reader, "the section", "only [PENDING] is read");
}

static int read_meta(const char *value, json_t **ret, struct error *err)
{
    static const struct schema meta = {.type = SCHEMA_STRING, .property_string = vm_meta_keys};

    if (property_string_check(&meta, "meta", value, err) != 0)
        return -1;
    *ret = json_string(value);
    return 0;
}

static int check_volume(const struct reader *reader, const char *key, const json_t *stored, struct error *err)
{
    const struct schema *schema = vm_key_find(key, NULL);
    autojson json_t *values = NULL;

    if (!vm_key_names_volume(schema))
        return 0;
    if (property_string_parse(schema, json_string_value(stored), &values, err) != 0)
        return -1;
    if (vm_disk_check_volume(key, values, err) != 0)
        return -1;
    const char *volume = json_text(values, "file");
    if (reader->volumes == NULL || !vm_disk_is_in_store(values) ||
        json_object_get(reader->volumes, volume) != NULL)
        return 0;
    return error_set(err, ERROR_NOT_FOUND, "volume '%s' does not exist", volume);
}

/* The form in which the value is stored; `key` is not an alias. */
static int read_value(const struct reader *reader, const char *key, const char *value, json_t **ret,
                      struct error *err)
{
    const struct schema *schema = vm_key_find(key, NULL);
    bool is_flag = schema != NULL && schema->type == SCHEMA_BOOLEAN;
    autojson json_t *given = json_string(is_flag ? property_string_boolean(value) : value), *stored = NULL;

    if (schema == NULL)
        return error_set(err, ERROR_INVALID, "unknown option");
    if (vm_config_store(key, given, &stored, err) != 0 ||
        check_volume(reader, vm_config_resolve(key), stored, err) != 0)
        return -1;
    *ret = TAKE(stored);
    return 0;
}

static void add_value(struct reader *reader, const char *key, const char *value)
{
    bool meta = strcmp(key, "meta") == 0 && reader->section == MAIN;
    const char *resolved = vm_config_resolve(key);
    json_t *stored = NULL;
    struct error err;

    if ((meta ? read_meta(value, &stored, &err) : read_value(reader, key, value, &stored, &err)) != 0) {
        warn(reader, key, err.message);
        json_object_set_new(reader->left_out, resolved, json_integer(1));
        return;
    }
    if (strcmp(key, "boot") == 0)
        reader->boot[reader->section] = reader->line;
    json_object_set_new(reader->values[reader->section], resolved, stored);
}

/* Reads "balloon,!scsi1". */
static void add_removed(struct reader *reader, const char *list)
{
    autosplit char **names = format_split_list(list);

    for (char **name = names; *name != NULL; name++) {
        bool force = **name == '!';
        const char *key = vm_config_resolve(*name + force);
        if (vm_key_find(key, NULL) != NULL)
            json_object_set_new(reader->removed, key, json_integer(force ? 2 : 1));
        else
            warn(reader, key, "unknown option");
    }
}

static void read_pair(struct reader *reader, char *line)
{
    char *colon = strchr(line, ':');
    autojson json_t *readable = json_string(line);

    if (readable == NULL || colon == NULL || colon == line) {
        warn(reader, "the line", "it is not KEY: VALUE");
        return;
    }
    *colon = '\0';
    const char *key = text_trim(line), *value = text_trim(colon + 1);
    if (strcmp(key, "description") == 0)
        add_remark(reader, value);
    else if (reader->section == PENDING && strcmp(key, "delete") == 0)
        add_removed(reader, value);
    else
        add_value(reader, key, value);
}

static void read_line(struct reader *reader, char *line)
{
    size_t length = strlen(line);

    while (length > 0 && line[length - 1] == '\r')
        line[--length] = '\0';
    if (line[0] == '[')
        open_section(reader, line);
    else if (reader->section == OTHER || line[strspn(line, " \t")] == '\0')
        return;
    else if (line[0] == '#')
        add_remark(reader, line + 1);
    else
        read_pair(reader, line);
}

/* An empty description counts as none; a pending empty one removes the current one. */
static void end_description(struct reader *reader, enum section section)
{
    autojson json_t *given = json_string(text_string(&reader->remarks[section])), *stored = NULL;
    struct error err = {0};

    reader->line = reader->remarked[section];
    if (reader->line == 0)
        return;
    if (given == NULL)
        warn(reader, "the description", "it is not UTF-8");
    else if (vm_config_store("description", given, &stored, &err) != 0)
        warn(reader, "the description", err.message);
    else if (json_string_length(stored) > 0)
        json_object_set(reader->values[section], "description", stored);
    else if (section == PENDING)
        json_object_set_new(reader->removed, "description", json_integer(1));
}

static bool is_left_out(const struct reader *reader, const char *key)
{
    return json_object_get(reader->left_out, key) != NULL &&
           json_object_get(reader->values[MAIN], key) == NULL &&
           json_object_get(reader->values[PENDING], key) == NULL;
}

/* Removes the devices that were left out from boot's order, and the order itself if none remains. */
static void end_boot(struct reader *reader, enum section section)
{
    autosplit char **order = vm_config_boot_order(reader->values[section]);
    autotext struct text rest = {0};
    bool changed = false;

    reader->line = reader->boot[section];
    for (char **device = order; order != NULL && *device != NULL; device++) {
        if (is_left_out(reader, *device)) {
            autofree char *what = xasprintf("%s in boot", *device);
            warn(reader, what, "its own line is");
            changed = true;
        } else
            text_printf(&rest, "%s%s", rest.length > 0 ? ";" : "order=", *device);
    }
    if (changed && rest.length > 0)
        json_object_set_new(reader->values[section], "boot", json_string(text_string(&rest)));
    else if (changed)
        json_object_del(reader->values[section], "boot");
}

/* A key that is both set and removed is set. */
static json_t *end(struct reader *reader)
{
    json_t *document = json_pack("{s:O}", "config", reader->values[MAIN]);
    const char *key;
    json_t *value;

    end_description(reader, MAIN);
    end_description(reader, PENDING);
    end_boot(reader, MAIN);
    end_boot(reader, PENDING);
    json_object_foreach(reader->values[PENDING], key, value)
        json_object_del(reader->removed, key);
    if (json_object_size(reader->values[PENDING]) > 0)
        json_object_set(document, "pending", reader->values[PENDING]);
    if (json_object_size(reader->removed) > 0)
        json_object_set(document, "delete", reader->removed);
    return document;
}

static void release(struct reader *reader)
{
    json_decref(reader->values[MAIN]);
    json_decref(reader->values[PENDING]);
    json_decref(reader->removed);
    json_decref(reader->left_out);
    text_release(&reader->remarks[MAIN]);
    text_release(&reader->remarks[PENDING]);
}

int vm_config_read(const char *text, size_t length, const json_t *volumes, json_t **ret,
                   struct text *warnings, struct error *err)
{
    if (length > VM_CONFIG_LIMIT)
        return error_set(err, ERROR_INVALID, "the configuration has more than %zu bytes", VM_CONFIG_LIMIT);
    if (memchr(text, '\0', length) != NULL)
        return error_set(err, ERROR_INVALID, "the configuration is not text: it contains a NUL byte");
    struct reader reader = {.values = {json_object(), json_object()},
                            .removed = json_object(),
                            .left_out = json_object(),
                            .volumes = volumes,
                            .warnings = warnings};
    autofree char *copy = xstrndup(text, length);
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        reader.line++;
        read_line(&reader, line);
    }
    *ret = end(&reader);
    release(&reader);
    return 0;
}
