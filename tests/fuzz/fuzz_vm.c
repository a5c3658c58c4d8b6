/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration, a key a line: every value is refused or stored as what is stored as the same again,
 * and the whole becomes a command line or an error, never a word too many. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "schema/validate.h"
#include "vm/command/command.h"
#include "vm/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char answers[] =
    "{\"id\":\"version\",\"return\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":0}}}\n"
    "{\"id\":\"machines\",\"return\":[{\"name\":\"pc\"},{\"name\":\"q35\"},{\"name\":\"pc-q35-10.0\"}]}\n"
    "{\"id\":\"cpus\",\"return\":[{\"name\":\"kvm64\"},{\"name\":\"host\"},{\"name\":\"qemu64\"}]}\n"
    "{\"id\":\"devices\",\"return\":[{\"name\":\"vfio-pci\"}]}\n";

/* What is stored is stored as itself. */
static char *store(const char *key, const char *value)
{
    struct error err;
    char *stored;
    autofree char *again = NULL;

    if (vm_value_store(key, value, &stored, &err) != 0)
        return NULL;
    if (vm_value_store(key, stored, &again, &err) != 0 || strcmp(stored, again) != 0)
        abort();
    return stored;
}

static void add_line(json_t *config, const char *key, const char *value)
{
    const struct schema *schema = vm_key_find(key, NULL);
    json_t *given = schema != NULL ? json_string(value) : NULL;
    struct error err;

    if (given == NULL)
        return;
    autofree char *stored = validate_value(schema, schema->name, &given, &err) == 0 && json_is_string(given)
                                ? store(key, json_string_value(given))
                                : NULL;
    if (stored != NULL)
        json_object_set_new(config, key, json_string(stored));
    else if (json_is_number(given))
        json_object_set(config, key, given);
    json_decref(given);
}

static void build(const json_t *config)
{
    static const char *const id[] = {"0000:01:00.0"};
    static const struct vm_paths paths = {
        .qemu = "qemu", .run = "/run", .rom = "/rom", .ovmf = "/ovmf", .store = "/store"};
    struct vm_assigned assigned[VM_HOSTPCI] = {{.ids = id, .count = 1}};
    autofeatures struct vm_features *qemu = NULL;
    autosplit char **arguments = NULL;
    struct error err;

    if (vm_features_parse(answers, strlen(answers), &qemu, &err) != 0)
        abort();
    struct vm_command command = {
        .vmid = 100, .config = config, .assigned = assigned, .qemu = qemu, .paths = &paths};
    if (vm_command_build(&command, &arguments, &err) != 0)
        return;
    autofree char *line = vm_command_quote(arguments);
    if (line[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autofree char *text = xstrndup((const char *)data, size);
    autojson json_t *config = json_object();
    char *rest = text;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *colon = strstr(line, ": ");
        if (colon == NULL)
            continue;
        *colon = '\0';
        add_line(config, line, colon + 2);
    }
    build(config);
    return 0;
}
