/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every operation of the broker. */
#include "broker/operations.h"

#include <string.h>

#include "base/memory.h"
#include "broker/worker/actions.h"
#include "schema/validate.h"

#define READING_PATIENCE 10 /* seconds; a host of thousands of devices is read in one */
#define PAM_PATIENCE     30

#define ID                                                                                                   \
    {                                                                                                        \
        .name = "id", .type = SCHEMA_STRING, .format = "pci-id", .text = "The function."                     \
    }
#define FORCE                                                                                                \
    {                                                                                                        \
        .name = "force", .type = SCHEMA_BOOLEAN, .optional = true, .fallback = "0",                          \
        .text = "Also if the host uses it, unless it holds the root file system."                            \
    }
#define OPERATION_ID                                                                                         \
    {                                                                                                        \
        .name = "id", .type = SCHEMA_STRING, .pattern = "[!-~]+", .max_length = 511,                         \
        .text = "Of an operation."                                                                           \
    }

const struct operation operations[] = {
    {"driver", "Gives functions to a driver, or takes them from the one they have.",
     PROPERTIES(ID,
                {.name = "driver",
                 .type = SCHEMA_STRING,
                 .pattern = "[A-Za-z0-9_-]{1,63}",
                 .text = "vfio-pci, none, auto, restore, or a driver's name."},
                {.name = "scope",
                 .type = SCHEMA_STRING,
                 .optional = true,
                 .values = VALUES("function", "device", "group"),
                 .fallback = "function",
                 .text = "What goes with it: the other functions of its slot, or of its IOMMU group."},
                {.name = "persistent",
                 .type = SCHEMA_BOOLEAN,
                 .optional = true,
                 .text = "Whether this is done at each start; not given: as before."},
                FORCE),
     true, 0, broker_drive},
    {"reset", "Resets a function.", PROPERTIES(ID, FORCE), true, 0, broker_reset},
    {"describe", "A device whole, with what root alone sees.", PROPERTIES(ID), false, READING_PATIENCE,
     broker_describe},
    {"describe-host", "The host whole, with what root alone sees.", NULL, false, READING_PATIENCE,
     broker_describe_host},
    {"pam", "Whether a user of this host has that password.",
     PROPERTIES({.name = "user", .type = SCHEMA_STRING, .pattern = "[^\\s:/]+", .max_length = 64},
                {.name = "password", .type = SCHEMA_STRING, .max_length = 512}),
     false, PAM_PATIENCE, broker_pam},
    {"state", "What runs, and what is kept of functions.",
     PROPERTIES({.name = "id", .type = SCHEMA_STRING, .optional = true, .format = "pci-id"}), false, 0, NULL},
    {"follow", "The log and the end of an operation.",
     PROPERTIES(OPERATION_ID, {.name = "after",
                               .type = SCHEMA_INTEGER,
                               .optional = true,
                               .fallback = "0",
                               .range = RANGE(0, 1000000),
                               .text = "Lines that are known already."}),
     false, 0, NULL},
    {"stop", "Lets an operation end after its current step, and undo what it did.", PROPERTIES(OPERATION_ID),
     false, 0, NULL},
};

const size_t operation_count = COUNT_OF(operations);

const struct operation operation_recover = {
    "recover", "Brings back what another worker left.", NULL, true, 0, broker_recover};

const struct operation *operation_find(const char *name)
{
    for (size_t i = 0; i < operation_count; i++)
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    return NULL;
}

/* A default is declared as a string, as a form would send it. */
static int fill_defaults(const struct schema *schema, json_t *arguments, struct error *err)
{
    for (; schema != NULL && schema->name != NULL; schema++) {
        if (schema->fallback == NULL || json_object_get(arguments, schema->name) != NULL)
            continue;
        autojson json_t *value = json_string(schema->fallback);
        if (validate_value(schema, &value, err) != 0)
            return -1;
        json_object_set(arguments, schema->name, value);
    }
    return 0;
}

int operation_check(const struct operation *operation, json_t *arguments, struct error *err)
{
    autojson json_t *errors = NULL;

    if (validate_parameters(operation->arguments, arguments, &errors, err) == 0)
        return fill_defaults(operation->arguments, arguments, err);
    void *first = json_object_iter(errors);
    const char *name = json_object_iter_key(first), *text = json_string_value(json_object_iter_value(first));
    return error_set_field(err, name, "%s: %.*s", name, (int)strcspn(text, "\n"), text);
}
