/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/mapping/pci: names for PCI devices, created, read, changed, deleted. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define MAPPINGS "/cluster/mapping/pci"
#define GPU      "node=" NODE ",path=0000:01:00.0,id=10de:2484,subsystem-id=10de:146b,iommugroup=1"
#define DRIVE    "node=" NODE ",path=0000:02:00.0,id=144d:a808"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(mapping, .init = start, .timeout = 120);

DAEMON_TEST(mapping, is_created_listed_read_and_deleted)
{
    is_json(get(MAPPINGS, NULL), "[]");
    is_json(post(MAPPINGS, "id", "gpu", "map", GPU, "description", "the card", NULL), "null");

    const json_t *one = get(MAPPINGS "/gpu", NULL), *listed = row(get(MAPPINGS, NULL), "id", "gpu");
    cr_assert_str_eq(text_of(one, "type"), "pci");
    cr_assert_str_eq(text_of(one, "description"), "the card");
    cr_assert_eq(json_array_size(member(one, "map")), 1);
    cr_assert_eq(strlen(text_of(one, "digest")), 40, "SHA-1 in hexadecimal");
    cr_assert_not(has(one, "id"), "only the list has it, as in Proxmox");
    cr_assert(json_equal(member(listed, "map"), member(one, "map")));

    is_json(delete (MAPPINGS "/gpu", NULL), "null");
    is_json(get(MAPPINGS, NULL), "[]");
}

DAEMON_TEST(mapping, entry_is_told_in_one_order_whatever_the_order_it_was_sent_in)
{
    post(MAPPINGS, "id", "one", "map", GPU, NULL);
    post(MAPPINGS, "id", "other", "map",
         "iommugroup=1,subsystem-id=10de:146b,id=10de:2484,path=0000:01:00.0,node=" NODE, NULL);
    cr_assert(
        json_equal(member(get(MAPPINGS "/one", NULL), "map"), member(get(MAPPINGS "/other", NULL), "map")));
    is_json(member(get(MAPPINGS "/one", NULL), "map"),
            "['id=10de:2484,node=" NODE ",path=0000:01:00.0,iommugroup=1,subsystem-id=10de:146b']");
}

DAEMON_TEST(mapping, has_entries_of_several_devices_and_nodes_in_their_order)
{
    post(MAPPINGS, "id", "many", "map", DRIVE, "map", "node=pve9,path=0000:0a:00,id=1000:0001", "map", GPU,
         NULL);
    const json_t *map = member(get(MAPPINGS "/many", NULL), "map");
    cr_assert_eq(json_array_size(map), 3);
    cr_assert_str_eq(json_string_value(json_array_get(map, 1)), "id=1000:0001,node=pve9,path=0000:0a:00",
                     "a node that is not known yet is accepted");
}

DAEMON_TEST(mapping, options_are_integers)
{
    post(MAPPINGS, "id", "gpu", "map", GPU, "mdev", "1", "live-migration-capable", "0", NULL);
    const json_t *one = get(MAPPINGS "/gpu", NULL);
    cr_assert_eq(number_of(one, "mdev"), 1);
    cr_assert_eq(number_of(one, "live-migration-capable"), 0);
}

DAEMON_TEST(mapping, id_is_taken_once)
{
    post(MAPPINGS, "id", "gpu", "map", GPU, NULL);
    fails(500, "create hardware mapping failed: pci ID 'gpu' already defined", "POST", MAPPINGS, "id", "gpu",
          "map", DRIVE, NULL);
    is_json(member(get(MAPPINGS "/gpu", NULL), "map"),
            "['id=10de:2484,node=" NODE ",path=0000:01:00.0,iommugroup=1,subsystem-id=10de:146b']");
}

DAEMON_TEST(mapping, missing_one_is_no_404_and_deleting_it_succeeds)
{
    fails(500, "mapping 'gpu' not found", "GET", MAPPINGS "/gpu", NULL);
    fails(500, "update hardware mapping failed: pci ID 'gpu' does not exist", "PUT", MAPPINGS "/gpu", "map",
          GPU, NULL);
    is_json(delete (MAPPINGS "/gpu", NULL), "null");
    is_json(delete (MAPPINGS "/gpu", NULL), "null");
}

DAEMON_TEST(mapping, update_replaces_the_map_and_keeps_what_was_not_sent)
{
    post(MAPPINGS, "id", "gpu", "map", GPU, "description", "old", "mdev", "1", NULL);
    is_json(put(MAPPINGS "/gpu", "map", DRIVE, "description", "new", NULL), "null");
    const json_t *one = get(MAPPINGS "/gpu", NULL);
    is_json(member(one, "map"), "['id=144d:a808,node=" NODE ",path=0000:02:00.0']");
    cr_assert_str_eq(text_of(one, "description"), "new");
    cr_assert_eq(number_of(one, "mdev"), 1);
}

DAEMON_TEST(mapping, update_needs_the_map)
{
    post(MAPPINGS, "id", "gpu", "map", GPU, NULL);
    fails(500, "update hardware mapping failed: missing value for required option 'map'", "PUT",
          MAPPINGS "/gpu", "description", "x", NULL);
}

DAEMON_TEST(mapping, update_takes_the_digest_that_was_read)
{
    post(MAPPINGS, "id", "gpu", "map", GPU, NULL);
    autofree char *first = xstrdup(text_of(get(MAPPINGS "/gpu", NULL), "digest"));
    put(MAPPINGS "/gpu", "map", DRIVE, "digest", first, NULL);
    cr_assert_str_neq(text_of(get(MAPPINGS "/gpu", NULL), "digest"), first);
    fails(500,
          "update hardware mapping failed: detected modified configuration - file changed by other user? Try "
          "again.",
          "PUT", MAPPINGS "/gpu", "map", GPU, "digest", first, NULL);
    is_json(member(get(MAPPINGS "/gpu", NULL), "map"), "['id=144d:a808,node=" NODE ",path=0000:02:00.0']");
    put(MAPPINGS "/gpu", "map", GPU, NULL);
    cr_assert_str_eq(text_of(get(MAPPINGS "/gpu", NULL), "digest"), first,
                     "the same contents, the same digest");
}

/* The digest is of the mapping, not of the file: others may change meanwhile. */
DAEMON_TEST(mapping, digest_does_not_depend_on_other_mappings)
{
    post(MAPPINGS, "id", "gpu", "map", GPU, NULL);
    autofree char *digest = xstrdup(text_of(get(MAPPINGS "/gpu", NULL), "digest"));
    post(MAPPINGS, "id", "drive", "map", DRIVE, NULL);
    put(MAPPINGS "/gpu", "map", GPU, "digest", digest, NULL);
}

DAEMON_TEST(mapping, update_deletes_options)
{
    post(MAPPINGS, "id", "gpu", "map", GPU, "description", "x", "mdev", "1", "live-migration-capable", "1",
         NULL);
    put(MAPPINGS "/gpu", "map", GPU, "delete", "description,mdev", NULL);
    const json_t *one = get(MAPPINGS "/gpu", NULL);
    cr_assert_not(has(one, "description"));
    cr_assert_not(has(one, "mdev"));
    cr_assert_eq(number_of(one, "live-migration-capable"), 1);
    put(MAPPINGS "/gpu", "map", GPU, "delete", "description", "delete", "live-migration-capable", NULL);
    cr_assert_not(has(get(MAPPINGS "/gpu", NULL), "live-migration-capable"),
                  "deleting what is not set is fine");
    fails(500, "update hardware mapping failed: unable to delete required option 'map'", "PUT",
          MAPPINGS "/gpu", "map", GPU, "delete", "map", NULL);
    fails(500, "update hardware mapping failed: no such option 'colour'", "PUT", MAPPINGS "/gpu", "map", GPU,
          "delete", "colour", NULL);
    fails(500, "update hardware mapping failed: cannot set and delete property 'mdev' at the same time!",
          "PUT", MAPPINGS "/gpu", "map", GPU, "mdev", "1", "delete", "mdev", NULL);
}

/* The web interface of Proxmox sends both. */
DAEMON_TEST(mapping, paths_may_end_with_a_slash_and_the_body_may_repeat_the_id)
{
    post(MAPPINGS "/", "id", "gpu", "map", GPU, NULL);
    put(MAPPINGS "/gpu", "id", "gpu", "map", DRIVE, NULL);
    wrong_parameter("id", "duplicate parameter: it is part of the path, and was sent with a different value",
                    "PUT", MAPPINGS "/gpu", "id", "other", "map", DRIVE, NULL);
}

static void refuse_entry(const char *entry, const char *text)
{
    autofree char *escaped = xasprintf("{\"id\":\"wrong\",\"map\":[\"" GPU "\",\"%s\"]}", entry);
    const struct reply *reply =
        CALL(.method = "POST", .path = MAPPINGS, .body = escaped, .content_type = "application/json");

    cr_assert_eq(reply->status, 400, "%s: %u", entry, reply->status);
    cr_assert_eq(json_object_size(reply->errors), 1);
    cr_assert_not_null(strstr(text_of(reply->errors, "map[1]"), text), "%s", reply->body);
    cr_assert(text_starts_with(text_of(reply->errors, "map[1]"), "invalid format - "), "%s", reply->body);
}

DAEMON_TEST(mapping, entry_is_checked_key_by_key)
{
    refuse_entry("node=" NODE ",path=0000:01:00.0", "id: property is missing and it is not optional");
    refuse_entry("node=" NODE ",id=10de:2484", "path: property is missing and it is not optional");
    refuse_entry("path=0000:01:00.0,id=10de:2484", "node: property is missing and it is not optional");
    refuse_entry("node=-,path=0000:01:00.0,id=10de:2484", "node: ");
    refuse_entry("node=a/b,path=0000:01:00.0,id=10de:2484", "node: ");
    refuse_entry("node=" NODE ",path=01:00.0,id=10de:2484", "path: value does not match the regex pattern");
    refuse_entry("node=" NODE ",path=../../etc,id=10de:2484", "path: value does not match the regex pattern");
    refuse_entry("node=" NODE ",path=0000:01:00.0;,id=10de:2484",
                 "path: value does not match the regex pattern");
    refuse_entry("node=" NODE ",path=0000:01:00.0,id=10de", "id: value does not match the regex pattern");
    refuse_entry("node=" NODE ",path=0000:01:00.0,id=10de:2484,iommugroup=x",
                 "iommugroup: type check ('integer')");
    refuse_entry("node=" NODE ",path=0000:01:00.0,id=10de:2484,colour=red", "colour");
    refuse_entry("node=" NODE ",node=" NODE ",path=0000:01:00.0,id=10de:2484", "node");
    refuse_entry("", "");
    is_json(get(MAPPINGS, NULL), "[]");
}

DAEMON_TEST(mapping, path_may_be_a_whole_device_or_a_list)
{
    post(MAPPINGS, "id", "card", "map", "node=" NODE ",path=0000:01:00,id=10de:2484", NULL);
    post(MAPPINGS, "id", "both", "map", "node=" NODE ",path=0000:01:00.0;0000:01:00.1,id=10de:2484", NULL);
    post(MAPPINGS, "id", "far", "map", "node=" NODE ",path=10000:e1:00.0,id=144d:a808", NULL);
}

DAEMON_TEST(mapping, limits)
{
    autofree char *long_text = xcalloc(4098, 1), *map = NULL;
    struct text many = {0};

    memset(long_text, 'd', 4097);
    wrong_parameter("id", "value may only be 128 characters long", "POST", MAPPINGS, "id", long_text, "map",
                    GPU, NULL);
    wrong_parameter("description", "value may only be 4096 characters long", "POST", MAPPINGS, "id", "xx",
                    "map", GPU, "description", long_text, NULL);
    post(MAPPINGS, "id", "xx", "map", GPU, "description", long_text + 1, NULL);
    cr_assert_eq(strlen(text_of(get(MAPPINGS "/xx", NULL), "description")), 4096);

    text_append(&many, "{\"id\":\"many\",\"map\":[\"" GPU "\"");
    for (int i = 1; i < 1024; i++)
        text_append(&many, ",\"" GPU "\"");
    text_append(&many, "]}");
    map = text_take(&many);
    cr_assert_eq(
        CALL(.method = "POST", .path = MAPPINGS, .body = map, .content_type = "application/json")->status,
        200);
    cr_assert_eq(json_array_size(member(get(MAPPINGS "/many", NULL), "map")), 1024);
}

DAEMON_TEST(mapping, id_begins_with_a_letter)
{
    static const char *const ids[] = {"1gpu", "g", "gpu!", "gpu gpu", "../gpu", "gp\xc3\xbc", "", "-gpu"};

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        autofree char *body = xasprintf("{\"id\":\"%s\",\"map\":\"" GPU "\"}", ids[i]);
        const struct reply *reply =
            CALL(.method = "POST", .path = MAPPINGS, .body = body, .content_type = "application/json");
        cr_assert_eq(reply->status, 400, "'%s'", ids[i]);
        cr_assert(text_starts_with(text_of(reply->errors, "id"), "invalid format - "), "%s", reply->body);
    }
    is_json(get(MAPPINGS, NULL), "[]");
}
