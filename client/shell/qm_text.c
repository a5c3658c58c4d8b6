/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs as text: configurations from files, and replies as Proxmox VE's qm prints them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "client/print/cell.h"
#include "client/shell/qm.h"
#include "client/shell/shell.h"
#include "vm/config/config.h"

static void warn(const char *file, char *lines)
{
    for (char *line = strsep(&lines, "\n"); line != NULL; line = strsep(&lines, "\n")) {
        autofree char *safe = cell_escape(line);
        if (line[0] != '\0')
            fprintf(stderr, "%s: %s: %s\n", shell_program, file, safe);
    }
}

/* Does not open /dev/stdin, which fails if standard input is a socket, as under sshd. A text that is too long
 * is cut one byte past the limit, so that vm_config_read refuses it. */
static int read_standard_input(char **ret, size_t *ret_length, struct error *err)
{
    autotext struct text text = {0};
    char block[4096];
    size_t count;

    while (text.length <= VM_CONFIG_LIMIT && (count = fread(block, 1, sizeof(block), stdin)) > 0)
        text_append_bytes(&text, block, count);
    if (ferror(stdin))
        return error_set_errno(err, errno, "cannot read standard input");
    *ret_length = text.length;
    *ret = text_take(&text);
    return 0;
}

int qm_read_file(struct options *options, bool create, struct error *err)
{
    bool standard = strcmp(options->file, "-") == 0;
    autofree char *text = NULL;
    autojson json_t *document = NULL;
    autotext struct text warnings = {0};
    size_t length = 0;
    const char *key;
    json_t *value;

    if ((standard ? read_standard_input(&text, &length, err)
                  : file_read(options->file, VM_CONFIG_LIMIT, &text, &length, err)) != 0)
        return -1;
    if (vm_config_read(text, length, NULL, &document, &warnings, err) != 0)
        return error_prefix(err, "%s: ", options->file);
    autofree char *lines = text_take(&warnings);
    warn(standard ? "standard input" : options->file, lines);
    autojson json_t *view = vm_config_view(document, false);
    if (!create)
        json_object_del(view, "meta"); /* a VM keeps the origin that it has */
    json_object_foreach(view, key, value) {
        autofree char *number = json_dumps(value, JSON_ENCODE_ANY);
        if (!options_has(options, key))
            options_add(options, key, json_is_string(value) ? json_string_value(value) : number);
    }
    return 0;
}

/* Turns a reply into the document that it was made from. Only strings and integers are left, whatever the
 * reply holds. */
static json_t *document_of(const json_t *data)
{
    json_t *config = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)data, key, value) {
        autofree char *other = cell_of_value(value);
        if (strcmp(key, "digest") == 0)
            continue;
        if (json_is_string(value) || json_is_integer(value))
            json_object_set(config, key, value);
        else
            json_object_set_new(config, key, json_string(other));
    }
    return json_pack("{s:o}", "config", config);
}

/* For a terminal, control characters are escaped; a file gets every byte, so that it can be read back. */
char *qm_print_config(const json_t *data, const struct table_style *style)
{
    autojson json_t *document = document_of(data);
    autofree char *file = vm_config_print(document);
    struct text text = {0};

    (void)style;
    if (!isatty(STDOUT_FILENO))
        return TAKE(file);
    cell_escape_lines(file, "", &text);
    return text_take(&text);
}

static void append_pending(struct text *text, const char *word, const char *key, const json_t *value)
{
    autofree char *name = cell_escape(key), *cell = cell_of_value(value);

    text_printf(text, "%s %s%s%s\n", word, name, value != NULL ? ": " : "", cell);
}

char *qm_print_pending(const json_t *data, const struct table_style *style)
{
    struct text text = {0};
    const json_t *row;
    size_t i;

    (void)style;
    json_array_foreach(data, i, row) {
        const char *key = json_string_value(json_object_get(row, "key"));
        const json_t *now = json_object_get(row, "value"), *next = json_object_get(row, "pending");
        if (key == NULL || strcmp(key, "digest") == 0)
            continue;
        if (now != NULL)
            append_pending(&text, "cur", key, now);
        if (next != NULL)
            append_pending(&text, "new", key, next);
        if (json_object_get(row, "delete") != NULL)
            append_pending(&text, "del", key, NULL);
    }
    return text_take(&text);
}

/* One word is what scripts compare. */
char *qm_print_status(const json_t *data, const struct table_style *style)
{
    autofree char *status = cell_of_value(json_object_get(data, "status"));

    (void)style;
    return xasprintf("status: %s\n", status);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_deep(json_t *object, unsigned depth, struct text *text)
{
    autofree const char **names = xcalloc(json_object_size(object) + 1, sizeof(*names));
    size_t count = 0;
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
        names[count++] = name;
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++) {
        value = json_object_get(object, names[i]);
        for (unsigned tab = 0; tab < depth; tab++)
            text_append(text, "\t");
        if (json_is_object(value)) {
            text_printf(text, "%s:\n", names[i]);
            print_deep(value, depth + 1, text);
            continue;
        }
        autofree char *cell = cell_of_value(value);
        text_printf(text, "%s: %s\n", names[i], cell);
    }
}

char *qm_print_status_whole(const json_t *data, const struct table_style *style)
{
    struct text text = {0};

    (void)style;
    print_deep((json_t *)(uintptr_t)data, 0, &text);
    return text_take(&text);
}

static long long vmid_of(const json_t *row)
{
    return json_integer_value(json_object_get(row, "vmid"));
}

static int compare_rows(const void *a, const void *b)
{
    long long left = vmid_of(*(json_t *const *)a), right = vmid_of(*(json_t *const *)b);

    return (left > right) - (left < right);
}

static char *print_size(const json_t *bytes, double unit, int digits)
{
    return xasprintf("%.*f", digits, json_number_value(bytes) / unit);
}

static void set_row(struct table *table, size_t row, const json_t *vm)
{
    table_set(table, row, 0, cell_of_value(json_object_get(vm, "vmid")));
    table_set(table, row, 1, cell_of_value(json_object_get(vm, "name")));
    table_set(table, row, 2, cell_of_value(json_object_get(vm, "status")));
    table_set(table, row, 3, print_size(json_object_get(vm, "maxmem"), 1 << 20, 0));
    table_set(table, row, 4, print_size(json_object_get(vm, "maxdisk"), 1 << 30, 2));
    table_set(table, row, 5, xasprintf("%lld", json_integer_value(json_object_get(vm, "pid"))));
}

char *qm_print_list(const json_t *data, const struct table_style *style)
{
    static const char *const names[] = {"VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID"};
    static const bool right[] = {true, false, false, true, true, true};
    size_t count = json_array_size(data);
    autotable struct table table = table_new(COUNT_OF(names), count + 1);
    autofree const json_t **rows = xcalloc(count + 1, sizeof(json_t *));
    struct table_style plain = *style;
    struct text text = {0};

    for (size_t i = 0; i < count; i++)
        rows[i] = json_array_get(data, i);
    qsort(rows, count, sizeof(json_t *), compare_rows);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        table_set(&table, 0, i, xstrdup(names[i]));
        table.right[i] = right[i];
    }
    for (size_t i = 0; i < count; i++)
        set_row(&table, i + 1, rows[i]);
    plain.no_border = true; /* scripts split the lines of qm at blanks */
    table_draw(&table, &plain, &text);
    return text_take(&text);
}

static void set_function(struct table *table, size_t row, const json_t *device, const json_t *function)
{
    const json_t *mdev = json_object_get(function, "mdev");

    table_set(table, row, 0, cell_of_value(json_object_get(device, "key")));
    table_set(table, row, 1, cell_of_value(json_object_get(function, "host")));
    table_set(table, row, 2, cell_of_value(json_object_get(function, "guest")));
    table_set(table, row, 3, cell_of_value(mdev != NULL ? mdev : json_object_get(function, "ids")));
    table_set(table, row, 4, cell_of_value(json_object_get(device, "rom")));
    table_set(table, row, 5, cell_of_value(json_object_get(device, "reason")));
}

/* A device to which no function is assigned has a line, too, with the reason. */
char *qm_print_devices(const json_t *data, const struct table_style *style)
{
    static const char *const names[] = {"KEY", "HOST", "GUEST", "IDS", "ROM", "REASON"};
    size_t count = 0, i, j, row = 1;
    const json_t *device, *function;
    struct text text = {0};

    json_array_foreach(data, i, device)
        count += json_array_size(json_object_get(device, "functions")) + 1;
    autotable struct table table = table_new(COUNT_OF(names), count + 1);
    for (i = 0; i < COUNT_OF(names); i++)
        table_set(&table, 0, i, xstrdup(names[i]));
    json_array_foreach(data, i, device) {
        const json_t *functions = json_object_get(device, "functions");
        json_array_foreach(functions, j, function)
            set_function(&table, row++, device, function);
        if (json_array_size(functions) == 0)
            set_function(&table, row++, device, NULL);
    }
    table.rows = row;
    table_drop_empty(&table);
    table_draw(&table, style, &text);
    return text_take(&text);
}
