/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mapping/pci.cfg and mapping/usb.cfg: a line with a mapping's name, and indented lines with what it has. */
#include <string.h>

#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/shell/lookup.h"
#include "client/transfer/formats.h"
#include "schema/validate.h"

struct reader {
    struct intake_source *source;
    const char *list; /* the path that lists the mappings of this kind */
    const char *kind;
    char *name;      /* of the mapping that is being read; NULL: none */
    unsigned line;   /* where it begins */
    json_t *entries; /* its maps */
    json_t *parameters;
};

static void end_mapping(struct reader *reader)
{
    size_t count = json_array_size(reader->entries);
    unsigned line = reader->source->line;

    if (reader->name == NULL)
        return;
    if (count > 0)
        json_object_set(reader->parameters, "map", reader->entries);
    json_object_set_new(reader->parameters, "id", json_string(reader->name));
    autofree char *path = xasprintf("%s/%s", reader->list, reader->name);
    struct intake_step step = {.stage = INTAKE_MAPPINGS,
                               .list = reader->list,
                               .name = reader->name,
                               .what = xasprintf("%s mapping %s", reader->kind, reader->name),
                               .make = intake_call(METHOD_POST, reader->list, reader->parameters),
                               .undo = intake_call(METHOD_DELETE, path, NULL)};
    reader->source->line = reader->line;
    intake_add(reader->source, &step);
    reader->source->line = line;
    json_decref(reader->entries);
    reader->name = NULL;
}

static void begin_mapping(struct reader *reader, char *name)
{
    end_mapping(reader);
    reader->name = name;
    reader->line = reader->source->line;
    reader->entries = json_array();
    reader->parameters = json_object();
}

static void add_entry(struct reader *reader, const char *value)
{
    const struct endpoint *endpoint =
        lookup_endpoint(endpoint_table, endpoint_count, METHOD_POST, reader->list);
    const struct schema *schema = schema_find(endpoint->parameters, "map");
    autojson json_t *entry = json_string(value), *checked = json_copy(entry);
    struct error err;

    if (validate_value(schema->items, "map", &checked, &err) != 0)
        intake_leave_out(reader->source, "an entry of mapping %s: %s", reader->name, err.message);
    else
        json_array_append(reader->entries, entry);
}

static void read_setting(struct reader *reader, char *line)
{
    char *key = text_trim(line), *value = key + strcspn(key, " \t");
    bool alone = *value == '\0';

    *value = '\0';
    if (!alone)
        value = text_trim(value + 1);
    if (reader->name == NULL)
        intake_leave_out(reader->source, "%s: it belongs to no mapping", key);
    else if (strcmp(key, "map") == 0)
        add_entry(reader, value);
    else
        json_object_set_new(reader->parameters, key, json_string(value));
}

static void read_line(struct reader *reader, char *line)
{
    autojson json_t *readable = json_string(line);

    if (readable == NULL)
        intake_leave_out(reader->source, "the line is not UTF-8");
    else if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
        return; /* an empty line ends a mapping, but so does the next name */
    else if (line[0] == ' ' || line[0] == '\t')
        read_setting(reader, line);
    else
        begin_mapping(reader, text_trim(line));
}

static void read_mappings(struct intake_source *source, const char *list, const char *kind)
{
    struct reader reader = {.source = source, .list = list, .kind = kind};
    char *rest = source->text;

    for (char *line; (line = intake_next_line(source, &rest)) != NULL;)
        read_line(&reader, line);
    end_mapping(&reader);
}

void mapping_file_read_pci(struct intake_source *source)
{
    read_mappings(source, INTAKE_PCI_MAPPINGS, "PCI");
}

void mapping_file_read_usb(struct intake_source *source)
{
    read_mappings(source, INTAKE_USB_MAPPINGS, "USB");
}

char *mapping_file_print(const json_t *mappings)
{
    static const char *const settings[] = {"description", "live-migration-capable", "mdev"};
    struct text text = {0};
    const json_t *mapping, *entry;
    size_t i, j;

    json_array_foreach(mappings, i, mapping) {
        text_printf(&text, "%s%s\n", i > 0 ? "\n" : "", json_text(mapping, "id"));
        for (size_t k = 0; k < COUNT_OF(settings); k++) {
            const json_t *value = json_object_get(mapping, settings[k]);
            autofree char *number = json_is_integer(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
            if (value != NULL)
                text_printf(&text, "\t%s %s\n", settings[k],
                            number != NULL ? number : json_string_value(value));
        }
        json_array_foreach(json_object_get(mapping, "map"), j, entry)
            text_printf(&text, "\tmap %s\n", json_string_value(entry));
    }
    return text_take(&text);
}
