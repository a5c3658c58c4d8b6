/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short cuts for pairs of calls of jansson. */
#include "base/json.h"

const char *json_text_or(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : otherwise;
}

const char *json_text(const json_t *object, const char *key)
{
    return json_text_or(object, key, "");
}
