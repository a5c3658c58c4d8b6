/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a form and as a URI with its query: parameters that are texts or lists of them, or an error.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "server/request/decode.h"
#include "server/request/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_params(json_t *params)
{
    const char *name;
    json_t *value, *item;
    size_t i;

    json_object_foreach(params, name, value) {
        if (!json_is_string(value) && (!json_is_array(value) || json_array_size(value) < 2))
            abort();
        json_array_foreach(value, i, item)
            if (!json_is_string(item))
                abort();
        if (strcmp(name, "_dc") == 0)
            abort();
    }
    if (json_object_size(params) > DECODE_NAME_LIMIT)
        abort();
}

static void check_path(const struct decoded *decoded)
{
    autotext struct text joined = {0};

    for (size_t i = 0; i < decoded->segment_count; i++) {
        const char *segment = decoded->segments[i];
        if (segment[0] == '\0' || strchr(segment, '/') != NULL || strcmp(segment, "..") == 0)
            abort();
        text_printf(&joined, "/%s", segment);
    }
    if (strcmp(decoded->segment_count > 0 ? joined.data : "/", decoded->path) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autojson json_t *params = json_object();
    autofree char *rest = xstrndup((const char *)data, size);
    autofree char *uri = xasprintf("/api2/json/%s", rest);
    struct decoded decoded;
    struct error err;

    if (decode_form((const char *)data, size, params, &err) == 0)
        check_params(params);
    if (request_decode("GET", uri, NULL, "", 0, &decoded, &err) == 0) {
        check_params(decoded.params);
        check_path(&decoded);
        decoded_release(&decoded);
    }
    return 0;
}
