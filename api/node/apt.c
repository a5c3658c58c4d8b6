/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/apt/repositories: where the node's packages come from. Nothing here changes them. Sources:
 * sources.list(5) of apt, for both forms of its files. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"
#include "hardware/sysfs.h"
#include "schema/format.h"

#define APT_LIST   "etc/apt/sources.list"
#define APT_FOLDER "etc/apt/sources.list.d"
#define MOST_BYTES ((size_t)64 * 1024) /* of a file */

/* The keys of a repository that are lists, in the order of a line of the older form. */
static const char *const keys[] = {"Types", "URIs", "Suites", "Components"};

static json_t *new_repository(const char *form)
{
    json_t *repository = json_pack("{s:i, s:s}", "Enabled", 1, "FileType", form);

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        json_object_set_new(repository, keys[i], json_array());
    return repository;
}

/* "deb [arch=amd64] URI SUITE COMPONENT..." */
static void read_line(char *line, json_t *ret)
{
    autojson json_t *repository = new_repository("list");
    char *rest = line, *open = strchr(line, '['), *close = open != NULL ? strchr(open, ']') : NULL;
    size_t place = 0;

    if (close != NULL)
        memset(open, ' ', (size_t)(close - open) + 1);
    for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
        if (word[0] == '\0')
            continue;
        json_array_append_new(json_object_get(repository, keys[place]), json_string(word));
        place += place + 1 < COUNT_OF(keys) ? 1 : 0;
    }
    if (place + 1 == COUNT_OF(keys))
        json_array_append(ret, repository);
}

static void read_lines(char *text, json_t *ret)
{
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        line[strcspn(line, "#")] = '\0';
        read_line(text_trim(line), ret);
    }
}

/* "Suites: SUITE..." of a stanza; other fields are not shown. */
static void read_field(char *line, json_t *repository)
{
    char *colon = strchr(line, ':');

    if (colon == NULL)
        return;
    *colon = '\0';
    const char *value = text_trim(colon + 1);
    if (strcasecmp(line, "Enabled") == 0)
        json_object_set_new(repository, "Enabled", json_integer(strcasecmp(value, "no") != 0));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        autosplit char **words = format_split_list(value);
        for (char **word = words; strcasecmp(line, keys[i]) == 0 && *word != NULL; word++)
            json_array_append_new(json_object_get(repository, keys[i]), json_string(*word));
    }
}

static void add_stanza(json_t *repository, json_t *ret)
{
    if (json_array_size(json_object_get(repository, "URIs")) > 0)
        json_array_append(ret, repository);
    json_decref(repository);
}

static void read_stanzas(char *text, json_t *ret)
{
    json_t *repository = new_repository("sources");

    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        if (*text_trim(line) != '\0' && line[0] != '#') {
            read_field(line, repository);
        } else if (line[0] != '#') {
            add_stanza(repository, ret);
            repository = new_repository("sources");
        }
    }
    add_stanza(repository, ret);
}

static void read_file(const struct sysroot *sysroot, const char *path, json_t *reply)
{
    autofree char *text = NULL, *absolute = xasprintf("/%s", path);
    bool stanzas = text_ends_with(path, ".sources");
    int length = sysfs_read_whole(sysroot_fd(sysroot), path, MOST_BYTES, &text);

    if (length == -ENOENT)
        return;
    if (length < 0) {
        json_array_append_new(json_object_get(reply, "errors"),
                              json_pack("{s:s, s:s}", "path", absolute, "error", strerror(-length)));
        return;
    }
    json_t *repositories = json_array();
    (stanzas ? read_stanzas : read_lines)(text, repositories);
    json_array_append_new(json_object_get(reply, "files"),
                          json_pack("{s:s, s:s, s:o}", "path", absolute, "file-type",
                                    stanzas ? "sources" : "list", "repositories", repositories));
}

static int list_repositories(struct request *request, json_t **ret, struct error *err)
{
    const struct sysroot *sysroot = request->service->sysroot;
    autolist char **names = NULL;

    (void)err;
    *ret = json_pack("{s:[], s:[], s:[], s:[]}", "files", "errors", "infos", "standard-repos");
    read_file(sysroot, APT_LIST, *ret);
    for (int i = 0, count = sysfs_list(sysroot_fd(sysroot), APT_FOLDER, &names); i < count; i++)
        if (text_ends_with(names[i], ".list") || text_ends_with(names[i], ".sources"))
            read_file(sysroot, path_below(APT_FOLDER, names[i], NULL).text, *ret);
    return 0;
}

#define WORDS_OF(key, what)                                                                                  \
    {.name = key, .type = SCHEMA_ARRAY, .items = ITEMS(.type = SCHEMA_STRING), .text = what}

static const struct schema repository_properties[] = {
    {.name = "Enabled", .type = SCHEMA_BOOLEAN, .text = "Whether apt reads it."},
    {.name = "FileType", .type = SCHEMA_STRING, .values = VALUES("list", "sources")},
    WORDS_OF("Types", "deb, deb-src."),
    WORDS_OF("URIs", "Where it is."),
    WORDS_OF("Suites", "Such as trixie."),
    WORDS_OF("Components", "Such as main."),
    {.name = NULL},
};

static const struct schema file_properties[] = {
    {.name = "path", .type = SCHEMA_STRING},
    {.name = "file-type", .type = SCHEMA_STRING, .values = VALUES("list", "sources")},
    {.name = "repositories",
     .type = SCHEMA_ARRAY,
     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = repository_properties)},
    {.name = NULL},
};

const struct endpoint endpoint_list_repositories = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/apt/repositories",
    .text = "Lists the repositories that the node's packages come from, by file.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    {.name = "files",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = file_properties)},
                    {.name = "errors",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT,
                                    .properties = PROPERTIES({.name = "path", .type = SCHEMA_STRING},
                                                             {.name = "error", .type = SCHEMA_STRING})),
                     .text = "Files that could not be read."},
                    {.name = "infos",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .open = true),
                     .text = "Remarks about repositories: there are none."},
                    {.name = "standard-repos",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .open = true),
                     .text = "Proxmox VE's own repositories: none is needed here."})},
    .on_node = true,
    .may_block = true,
    .run = list_repositories,
};

const struct endpoint endpoint_get_apt = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/apt",
    .text = "Lists what there is about packages.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE),
    .index_key = "id",
};
