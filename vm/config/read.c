/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration as a file: reading it. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "schema/format.h"
#include "vm/config/parts.h"
#include "vm/value.h"

enum section { MAIN, PENDING, OTHER };

struct reader {
    enum section section;
    json_t *values[OTHER]; /* of MAIN and PENDING */
    struct text remarks[OTHER];
    unsigned remarked[OTHER]; /* the line of the first remark; 0: there is none */
    json_t *removed;
    unsigned line;
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

/* A file may have words for a boolean. */
static const char *read_word(const struct schema *schema, const char *value)
{
    static const char *const words[][2] = {{"on", "1"},  {"yes", "1"}, {"true", "1"},
                                           {"off", "0"}, {"no", "0"},  {"false", "0"}};

    for (size_t i = 0; schema->type == SCHEMA_BOOLEAN && i < COUNT_OF(words); i++)
        if (strcasecmp(value, words[i][0]) == 0)
            return words[i][1];
    return value;
}

static void add_value(struct reader *reader, const char *key, const char *value)
{
    json_t *values = reader->values[reader->section];
    const struct schema *schema = vm_key_find(key, NULL);
    autojson json_t *given = json_string(schema != NULL ? read_word(schema, value) : value), *stored = NULL;
    struct error err;

    if (strcmp(key, "meta") == 0 && reader->section == MAIN)
        json_object_set(values, key, given);
    else if (schema == NULL)
        warn(reader, key, "unknown option");
    else if (vm_config_store(key, given, &stored, &err) != 0)
        warn(reader, key, err.message);
    else
        json_object_set(values, vm_config_resolve(key), stored);
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

/* An empty description is none. If it is pending, the current one will be removed. */
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

/* A key that is both set and removed is set. */
static json_t *end(struct reader *reader)
{
    json_t *document = json_pack("{s:O}", "config", reader->values[MAIN]);
    const char *key;
    json_t *value;

    end_description(reader, MAIN);
    end_description(reader, PENDING);
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
    text_release(&reader->remarks[MAIN]);
    text_release(&reader->remarks[PENDING]);
}

int vm_config_read(const char *text, size_t length, json_t **ret, struct text *warnings, struct error *err)
{
    if (length > VM_CONFIG_LIMIT)
        return error_set(err, ERROR_INVALID, "the configuration has more than %zu bytes", VM_CONFIG_LIMIT);
    if (memchr(text, '\0', length) != NULL)
        return error_set(err, ERROR_INVALID, "the configuration is not a text: it has a NUL byte");
    struct reader reader = {
        .values = {json_object(), json_object()}, .removed = json_object(), .warnings = warnings};
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
