/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints JSON as YAML, with libyaml. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/openapi.h"

/* libyaml frees the event. It fails only if there is no memory, or if the events come in the wrong order,
 * which would be our bug. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    if (!yaml_emitter_emit(emitter, event)) {
        fprintf(stderr, "hostpci: libyaml: %s\n", emitter->problem != NULL ? emitter->problem : "failed");
        abort();
    }
}

/* Whether a YAML reader would take the string for a number, a boolean or null. Such strings must be quoted,
 * but libyaml only considers their characters. */
static bool looks_like_another_type(const char *string)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ""};
    char *end;

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(string, words[i]) == 0)
            return true;
    strtod(string, &end);
    return *end == '\0' || strchr("0123456789+-.", string[0]) != NULL;
}

static void emit_scalar(yaml_emitter_t *emitter, const char *string, bool quoted)
{
    yaml_event_t event;
    yaml_scalar_style_t style = quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;

    if (strchr(string, '\n') != NULL)
        style = YAML_LITERAL_SCALAR_STYLE;
    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)string, (int)strlen(string), 1, 1,
                                 style);
    emit(emitter, &event);
}

static void emit_value(yaml_emitter_t *emitter, const json_t *value)
{
    yaml_event_t event;
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_object(value)) {
        yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
        emit(emitter, &event);
        json_object_foreach((json_t *)value, key, child) {
            emit_scalar(emitter, key, looks_like_another_type(key));
            emit_value(emitter, child);
        }
        yaml_mapping_end_event_initialize(&event);
        emit(emitter, &event);
    } else if (json_is_array(value)) {
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                             json_array_size(value) > 0 ? YAML_BLOCK_SEQUENCE_STYLE
                                                                        : YAML_FLOW_SEQUENCE_STYLE);
        emit(emitter, &event);
        json_array_foreach(value, i, child)
            emit_value(emitter, child);
        yaml_sequence_end_event_initialize(&event);
        emit(emitter, &event);
    } else if (json_is_string(value)) {
        emit_scalar(emitter, json_string_value(value), looks_like_another_type(json_string_value(value)));
    } else {
        autofree char *scalar = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        emit_scalar(emitter, scalar, false);
    }
}

static int append(void *text, unsigned char *bytes, size_t count)
{
    text_append_bytes(text, bytes, count);
    return 1;
}

char *openapi_to_yaml(const json_t *value)
{
    struct text text = {0};
    yaml_emitter_t emitter;
    yaml_event_t event;

    yaml_emitter_initialize(&emitter);
    yaml_emitter_set_output(&emitter, append, &text);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&emitter, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    emit(&emitter, &event);
    emit_value(&emitter, value);
    yaml_document_end_event_initialize(&event, 1);
    emit(&emitter, &event);
    yaml_stream_end_event_initialize(&event);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
    return text_take(&text);
}
