/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a VM's configuration to the order by which its QEMU is started. */
#include "broker/worker/vm_order.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/machine/files.h"
#include "broker/machine/tpm.h"
#include "broker/probe/asker.h"
#include "broker/probe/qemu.h"
#include "hardware/host.h"
#include "hardware/network.h"
#include "schema/format.h"
#include "vm/command/command.h"
#include "vm/value.h"

#define HARDWARE_RANDOM "/dev/hwrng"
#define MOST_IDS        8

/* What the guest may not make QEMU do: start a program, or gain a privilege. */
static const char *const fixed[] = {
    "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    "-chardev", "socket,id=hostpci,fd=9",
    "-mon",     "chardev=hostpci,mode=control",
    "-S",
};

struct order {
    struct worker *worker;
    json_t *files, *options;
    json_t *tpm;   /* NULL: none */
    int number;    /* of the next descriptor */
    unsigned sets; /* of descriptors, so far */
};

static json_t *add_numbers(struct order *order, unsigned count)
{
    json_t *numbers = json_array();

    while (count-- > 0)
        json_array_append_new(numbers, json_integer(order->number++));
    return numbers;
}

/* The folder that the path as it is written lies in; NULL if in none. */
static const char *find_folder(const char *const *folders, const char *path)
{
    while (*folders != NULL && !file_is_below(path, *folders))
        folders++;
    return *folders;
}

int vm_order_find_folder(const struct worker *worker, const char *path, bool in_store, const char **ret,
                         struct error *err)
{
    const char *below = in_store ? worker->store : find_folder(worker->volume_dirs, path);

    if (below == NULL)
        return error_set(err, ERROR_FORBIDDEN,
                         "'%s' does not lie below a --volume-dir of the broker (%s): move it there, or start "
                         "`hostpci broker` with the option for its folder",
                         path, worker->volume_dirs[0]);
    *ret = below;
    return 0;
}

/* The set of descriptors that QEMU knows the file by. */
static char *add_set(struct order *order, const json_t *numbers)
{
    const json_t *number;
    size_t i;

    order->sets++;
    json_array_foreach(numbers, i, number) {
        json_array_append_new(order->options, json_string("-add-fd"));
        json_array_append_new(order->options,
                              json_sprintf("fd=%d,set=%u", (int)json_integer_value(number), order->sets));
    }
    return xasprintf("/dev/fdset/%u", order->sets);
}

/* Root opens what the daemon names, so the folders are the broker's own. */
static int hand_volume(struct order *order, const struct vm_file *file, char **ret, struct error *err)
{
    const char *below = NULL;

    if (vm_order_find_folder(order->worker, file->path, file->in_store, &below, err) != 0)
        return -1;
    json_t *numbers = add_numbers(order, file->read_only ? 1 : 2);
    json_array_append_new(order->files,
                          json_pack("{s:s, s:s, s:s, s:o, s:s?, s:b, s:b}", "kind", "volume", "path",
                                    file->path, "below", below, "numbers", numbers, "format", file->format,
                                    "direct", (int)file->direct, "beneath", (int)file->in_store));
    *ret = add_set(order, numbers);
    return 0;
}

static int hand_copy(struct order *order, const struct vm_file *file, char **ret, struct error *err)
{
    json_t *numbers = add_numbers(order, 2);

    (void)err;
    json_array_append_new(order->files, json_pack("{s:s, s:s, s:s, s:o}", "kind", "copy", "path", file->path,
                                                  "from", file->from, "numbers", numbers));
    *ret = add_set(order, numbers);
    return 0;
}

static int hand_rom(struct order *order, const struct vm_file *file, char **ret, struct error *err)
{
    (void)err;
    json_array_append_new(
        order->files, json_pack("{s:s, s:s, s:s}", "kind", "rom", "path", file->path, "from", file->from));
    *ret = xstrdup(file->path);
    return 0;
}

/* Several VMs may use the one that only root can open; everybody can open the others. */
static int hand_random(struct order *order, const struct vm_file *file, char **ret, struct error *err)
{
    (void)err;
    if (strcmp(file->path, HARDWARE_RANDOM) != 0) {
        *ret = xstrdup(file->path);
        return 0;
    }
    json_t *numbers = add_numbers(order, 1);
    json_array_append_new(
        order->files, json_pack("{s:s, s:s, s:o}", "kind", "random", "path", file->path, "numbers", numbers));
    *ret = add_set(order, numbers);
    return 0;
}

static int hand_socket(struct order *order, const struct vm_file *file, char **ret, struct error *err)
{
    int number = order->number;

    (void)err;
    json_array_append_new(order->files, json_pack("{s:s, s:s, s:o}", "kind", "socket", "path", file->path,
                                                  "numbers", add_numbers(order, 1)));
    *ret = xasprintf("fd=%d", number);
    return 0;
}

static void join(struct text *text, int first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        text_printf(text, "%s%d", i > 0 ? ":" : "", first + (int)i);
}

static int hand_tap(struct order *order, const struct vm_file *file, char **ret, struct error *err)
{
    int first = order->number;
    struct text text = {0};

    (void)err;
    text_append(&text, "fds=");
    join(&text, first, file->queues);
    if (file->vhost) {
        text_append(&text, ",vhostfds=");
        join(&text, first + (int)file->queues, file->queues);
    }
    json_array_append_new(order->files,
                          json_pack("{s:s, s:s, s:s?, s:b, s:o}", "kind", "tap", "path", file->path, "bridge",
                                    file->bridge, "vhost", (int)file->vhost, "numbers",
                                    add_numbers(order, file->vhost ? 2 * file->queues : file->queues)));
    *ret = text_take(&text);
    return 0;
}

static int hand_tpm(struct order *order, const struct vm_file *file, char **ret, struct error *err)
{
    if (access(TPM_PROGRAM, X_OK) != 0)
        return error_set(err, ERROR_FAILED, "'" TPM_PROGRAM "' is not there: install the package swtpm");
    order->tpm = json_pack("{s:s, s:s, s:s, s:i}", "path", file->path, "below", order->worker->store,
                           "version", file->version, "number", order->number);
    *ret = xasprintf("fd=%d", order->number++);
    return 0;
}

static int hand(void *context, const struct vm_file *file, char **ret, struct error *err)
{
    static int (*const hands[])(struct order *, const struct vm_file *, char **, struct error *) = {
        [VM_FILE_VOLUME] = hand_volume, [VM_FILE_COPY] = hand_copy,     [VM_FILE_ROM] = hand_rom,
        [VM_FILE_RANDOM] = hand_random, [VM_FILE_SOCKET] = hand_socket, [VM_FILE_TAP] = hand_tap,
        [VM_FILE_TPM] = hand_tpm};
    struct order *order = context;

    if (order->number + 2 * (int)file->queues + 2 >= FILES_FIRST + FILES_LIMIT)
        return error_set(err, ERROR_FAILED, "a VM cannot have more than %d files open", FILES_LIMIT);
    return hands[file->kind](order, file, ret, err);
}

/* What this QEMU can do is asked once for each binary, and kept beside the machines. */
static int read_features(const struct worker *worker, struct vm_features **ret, struct error *err)
{
    autotext struct text answers = {0};
    autofree char *kept = NULL, *path = NULL;
    struct stat binary;
    struct error ignored;
    size_t length;

    if (stat(worker->qemu, &binary) != 0)
        return error_set(
            err, ERROR_FAILED,
            "'%s' does not exist, or is in /home, /root or /tmp, where the broker sees nothing: install "
            "the package qemu-system-x86",
            worker->qemu);
    path = xasprintf("%s/vm/qemu-%llu-%lld", worker->run_dir, (unsigned long long)binary.st_ino,
                     (long long)binary.st_mtim.tv_sec);
    if (file_read(path, VM_FEATURES_LIMIT, &kept, &length, &ignored) == 0 &&
        vm_features_parse(kept, length, ret, &ignored) == 0)
        return 0;
    if (qemu_ask(worker->qemu, -1, &answers, err) != 0 ||
        vm_features_parse(text_string(&answers), answers.length, ret, err) != 0)
        return -1;
    file_replace(path, text_string(&answers), answers.length, 0600, &ignored);
    return 0;
}

/* The words of an array of the arguments; ends with NULL and points into it. */
static void read_words(const json_t *array, const char *ret[static MOST_IDS + 1], size_t *ret_count)
{
    const json_t *word;
    size_t i;

    *ret_count = 0;
    json_array_foreach(array, i, word)
        if (*ret_count < MOST_IDS && json_is_string(word))
            ret[(*ret_count)++] = json_string_value(word);
    ret[*ret_count] = NULL;
}

struct found {
    const char *ids[VM_HOSTPCI][MOST_IDS + 1];
    struct vm_assigned assigned[VM_HOSTPCI];
    const char *usb[VM_USBS];
    unsigned mtu[VM_NETS];
    char vendor[HOST_CPU_VENDOR_SIZE];
};

static void find_devices(const struct worker *worker, const json_t *config, struct found *found)
{
    const json_t *assigned = json_object_get(worker->arguments, "assigned");

    for (unsigned i = 0; i < VM_HOSTPCI; i++) {
        const json_t *own = json_object_get(assigned, vm_key_name("hostpci", i).text);
        struct vm_assigned *ret = &found->assigned[i];
        read_words(json_object_get(own, "ids"), found->ids[i], &ret->count);
        ret->ids = found->ids[i];
        ret->uuid = json_string_value(json_object_get(own, "uuid"));
        ret->live_migration = json_integer_value(json_object_get(own, "live-migration")) != 0;
    }
    for (unsigned i = 0; i < VM_USBS; i++)
        found->usb[i] = json_string_value(
            json_object_get(json_object_get(worker->arguments, "usb"), vm_key_name("usb", i).text));
    for (unsigned i = 0; i < VM_NETS; i++) {
        autojson json_t *values = NULL;
        struct error ignored;
        if (vm_value_parts(config, vm_key_name("net", i).text, &values, &ignored) == 0)
            found->mtu[i] = bridge_mtu(worker->sysroot, json_text(values, "bridge"));
    }
    host_cpu_vendor(worker->sysroot, found->vendor);
}

/* The program, what we add, and the rest. */
static json_t *join_arguments(char *const *arguments, const struct order *order)
{
    json_t *all = json_array();

    json_array_append_new(all, json_string(arguments[0]));
    for (; *++arguments != NULL && strcmp(*arguments, "-name") != 0;) /* after taskset and its words */
        json_array_append_new(all, json_string(*arguments));
    json_array_extend(all, order->options);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        json_array_append_new(all, json_string(fixed[i]));
    for (; *arguments != NULL; arguments++)
        json_array_append_new(all, json_string(*arguments));
    return all;
}

static int build(struct order *order, const struct vm_command *what, json_t **ret, struct error *err)
{
    autosplit char **arguments = NULL;

    if (vm_command_build(what, &arguments, err) != 0) {
        err->field[0] = '\0';
        return -1;
    }
    *ret = json_pack("{s:o, s:O, s:[], s:O*}", "arguments", join_arguments(arguments, order), "files",
                     order->files, "own", "tpm", order->tpm);
    if (order->tpm != NULL)
        json_array_append(json_object_get(*ret, "own"), json_object_get(order->tpm, "path"));
    return 0;
}

int vm_order_make(struct worker *worker, const struct machine *machine, json_t **ret, struct error *err)
{
    autojson json_t *files = json_array(), *options = json_array();
    struct order order = {.worker = worker, .files = files, .options = options, .number = FILES_FIRST};
    const json_t *config = json_object_get(worker->arguments, "config");
    autofeatures struct vm_features *qemu = NULL;
    struct found found = {.usb = {NULL}};

    if (read_features(worker, &qemu, err) != 0)
        return -1;
    find_devices(worker, config, &found);
    const struct vm_paths paths = {.qemu = worker->qemu,
                                   .run = machine->folder,
                                   .rom = worker->rom_dir,
                                   .ovmf = QEMU_FIRMWARE,
                                   .only_4m = qemu_firmware_is_4m(QEMU_FIRMWARE),
                                   .store = worker->store};
    const struct vm_command what = {
        .vmid = (unsigned)machine->vmid,
        .config = config,
        .assigned = found.assigned,
        .usb = found.usb,
        .bridge_mtu = found.mtu,
        .cpu_vendor = found.vendor[0] != '\0' ? found.vendor : NULL,
        .qemu = qemu,
        .paths = &paths,
        .hand = hand,
        .hand_context = &order,
    };
    int result = build(&order, &what, ret, err);
    json_decref(order.tpm);
    if (result != 0)
        return -1;
    json_object_set(*ret, "uid", json_object_get(machine->record, "uid"));
    return 0;
}
