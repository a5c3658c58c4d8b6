/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of endpoints: declared ones against given ones. */
#include "schema/path.h"

#include <string.h>

/* Advances to the next segment, and returns its length; 0 at the end. */
static size_t find_segment(const char **path)
{
    *path += strspn(*path, "/");
    return strcspn(*path, "/");
}

static bool takes_rest(const char *declared)
{
    return strcmp(declared, "{volume}") == 0;
}

/* The length without slashes at the end. */
static size_t measure_rest(const char *given)
{
    size_t length = strlen(given);

    while (length > 0 && given[length - 1] == '/')
        length--;
    return length;
}

/* Skips the segments that both paths have. False if two of them do not match. */
static bool skip_common(const char **declared, const char **given)
{
    size_t wanted, length;

    while ((wanted = find_segment(declared)) != 0 && (length = find_segment(given)) != 0) {
        if (**declared != '{' && (wanted != length || memcmp(*declared, *given, length) != 0))
            return false;
        length = takes_rest(*declared) ? strlen(*given) : length;
        *declared += wanted;
        *given += length;
    }
    find_segment(given);
    return true;
}

bool path_matches(const char *declared, const char *given)
{
    return skip_common(&declared, &given) && *declared == '\0' && *given == '\0';
}

const char *path_remainder(const char *declared, const char *given)
{
    return skip_common(&declared, &given) && *declared != '\0' && *given == '\0' ? declared : NULL;
}

bool path_next_capture(const char **declared, const char **given, struct path_capture *ret)
{
    size_t name_length, value_length;

    while ((name_length = find_segment(declared)) != 0 && (value_length = find_segment(given)) != 0) {
        const char *name = *declared, *value = *given;
        if (takes_rest(name))
            value_length = measure_rest(value);
        *declared += name_length;
        *given += value_length;
        if (*name == '{') {
            *ret = (struct path_capture){name + 1, value, name_length - strlen("{}"), value_length};
            return true;
        }
    }
    return false;
}

bool path_captures(const char *declared, const char *name)
{
    const char *same = declared;
    struct path_capture capture;

    while (path_next_capture(&declared, &same, &capture))
        if (capture.name_length == strlen(name) && memcmp(capture.name, name, capture.name_length) == 0)
            return true;
    return false;
}
