/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host uses its PCI functions for: the scan, and the list of each function. */
#include "hardware/use/use.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/parts.h"

#define MOST_USES       64 /* of one function */
#define MOST_UNREADABLE 64
#define MOST_EVIDENCE   240 /* bytes */

static void add_owner(struct use_owners *owners, const struct pci_device *function)
{
    for (size_t i = 0; i < owners->count; i++)
        if (owners->functions[i] == function)
            return;
    if (function != NULL && owners->count < USE_MOST_OWNERS)
        owners->functions[owners->count++] = function;
}

static const struct pci_device *find_function(const struct host_uses *uses, const char *name)
{
    char canonical[PCI_ADDRESS_SIZE];
    struct pci_address address;

    if (strlen(name) >= sizeof(canonical) || !pci_address_parse(name, &address))
        return NULL;
    pci_address_format(address, canonical);
    return strcmp(name, canonical) == 0 ? inventory_find(uses->inventory, address) : NULL;
}

/* The last function in the path is the device's own, and those before it are bridges, except for one with a
 * whole PCI domain below it ("0000:00:0e.0/pci10000:e0/..."). */
bool use_add_owners(const struct host_uses *uses, const char *target, struct use_owners *owners)
{
    autofree char *path = xstrdup(target);
    const struct pci_device *last = NULL;
    char *rest = path;

    for (const char *part; (part = strsep(&rest, "/")) != NULL;) {
        const struct pci_device *function = find_function(uses, part);
        if (function != NULL)
            last = function;
        else if (text_starts_with(part, "pci") && strchr(part, ':') != NULL)
            add_owner(owners, last);
    }
    add_owner(owners, last);
    return owners->count > 0;
}

bool use_find_owners(const struct host_uses *uses, const char *folder, const char *name,
                     struct use_owners *ret)
{
    autofree char *path = xasprintf("%s/%s", folder, name);
    char target[PATH_MAX];

    ret->count = 0;
    return sysfs_read_link(uses->root, path, target, sizeof(target)) >= 0 &&
           use_add_owners(uses, target, ret);
}

struct use_owners use_own(const struct pci_device *function)
{
    return (struct use_owners){.functions = {function}, .count = 1};
}

/* Copies the evidence with every run of blanks, with which tables in /proc are padded, made one. */
static char *shorten(const char *evidence)
{
    char *text = xcalloc(MOST_EVIDENCE + 1, 1);
    size_t length = 0;

    for (; *evidence != '\0' && length < MOST_EVIDENCE; evidence++)
        if (!isspace((unsigned char)*evidence))
            text[length++] = *evidence;
        else if (length > 0 && text[length - 1] != ' ')
            text[length++] = ' ';
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
    if (*evidence != '\0')
        memcpy(text + MOST_EVIDENCE - strlen(" ..."), " ...", strlen(" ..."));
    return text;
}

void use_mounts_add(struct use_mounts *mounts, const char *folder)
{
    if (strcmp(folder, "/") == 0) {
        mounts->root = true;
        return;
    }
    if (mounts->count < USE_MOST_FOLDERS)
        mounts->folders[mounts->count] = xstrdup(folder);
    mounts->count++;
}

void use_mounts_merge(struct use_mounts *mounts, const struct use_mounts *more)
{
    size_t listed = more->count < USE_MOST_FOLDERS ? more->count : USE_MOST_FOLDERS;

    mounts->root |= more->root;
    for (size_t i = 0; i < listed; i++)
        use_mounts_add(mounts, more->folders[i]);
    mounts->count += more->count - listed;
}

void use_mounts_release(struct use_mounts *mounts)
{
    for (size_t i = 0; i < mounts->count && i < USE_MOST_FOLDERS; i++)
        free(mounts->folders[i]);
}

static char *copy(const char *text)
{
    return xstrdup(text != NULL ? text : "");
}

static void release_use(struct host_use *use)
{
    const char *const texts[] = {use->name, use->does, use->evidence, use->through, use->process};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        free((char *)(uintptr_t)texts[i]);
    use_mounts_release(&use->mounts);
}

static void note_too_many(struct host_uses *uses, const struct pci_device *function)
{
    use_note_reason(uses, pci_path(function->address, NULL).text,
                    "it has more uses than are listed; these are the heaviest");
}

/* Inserts behind those of the same weight. When there are too many, the last one, which is the lightest, is
 * dropped. */
static void insert_use(struct host_uses *uses, const struct pci_device *function, const struct host_use *use)
{
    struct function_uses *own = &uses->functions[function - uses->inventory->devices];
    size_t at = own->count;

    own->list = xrealloc(own->list, own->count + 1, sizeof(own->list[0]));
    while (at > 0 && own->list[at - 1].weight < use->weight)
        at--;
    memmove(&own->list[at + 1], &own->list[at], (own->count - at) * sizeof(own->list[0]));
    own->count++;
    struct host_use *added = &own->list[at];
    *added = *use;
    added->function = function;
    added->name = copy(use->name);
    added->does = copy(use->does);
    added->evidence = shorten(use->evidence);
    added->through = copy(use->through);
    if (use->node != NULL)
        added->pid = use_first_opener(uses, use->node, &added->process);
    added->process = copy(added->process);
    added->node = NULL;
    added->mounts = (struct use_mounts){0};
    use_mounts_merge(&added->mounts, &use->mounts);
    if (own->count <= MOST_USES)
        return;
    release_use(&own->list[--own->count]);
    note_too_many(uses, function);
}

void use_add(struct host_uses *uses, const struct use_owners *owners, struct host_use use, const char *format,
             ...)
{
    va_list arguments;

    va_start(arguments, format);
    autofree char *does = xvasprintf(format, arguments);
    va_end(arguments);
    use.does = does;
    for (size_t i = 0; i < owners->count; i++)
        insert_use(uses, owners->functions[i], &use);
}

void use_note_reason(struct host_uses *uses, const char *file, const char *reason)
{
    autofree char *path = xasprintf("/%s", file);
    size_t i;
    const json_t *entry;

    json_array_foreach(uses->unreadable, i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "file")), path) == 0)
            return;
    }
    if (json_array_size(uses->unreadable) < MOST_UNREADABLE)
        json_array_append_new(uses->unreadable, json_pack("{s:s, s:s}", "file", path, "reason", reason));
}

/* "none [integrity] confidentiality" */
static bool is_locked_down(const struct host_uses *uses)
{
    char text[64];

    return sysfs_read(uses->root, SYS_LOCKDOWN, text, sizeof(text)) > 0 && strstr(text, "[none]") == NULL;
}

void use_note(struct host_uses *uses, const char *file, int error)
{
    const char *reason = strerror(-error);

    if (error == -EPERM && is_locked_down(uses))
        reason = "hidden by the kernel's lockdown";
    else if (error == -EPERM || error == -EACCES)
        reason = "root needed";
    else if (error == -ENOENT || error == -ENOTDIR)
        reason = "absent";
    else if (error == -EFBIG)
        reason = "longer than is read";
    use_note_reason(uses, file, reason);
}

int use_list_folder(struct host_uses *uses, const char *folder, char ***ret)
{
    int result = sysfs_list(uses->root, folder, ret);

    if (result < 0 && result != -ENOENT)
        use_note(uses, folder, result);
    return result;
}

int host_uses_scan(const struct sysroot *sysroot, const struct inventory *inventory, struct host_uses **ret,
                   struct error *err)
{
    struct host_uses *uses = xcalloc(1, sizeof(*uses));

    (void)err;
    uses->root = sysroot_fd(sysroot);
    uses->inventory = inventory;
    uses->functions = xcalloc(inventory->count, sizeof(uses->functions[0]));
    uses->unreadable = json_array();
    use_read_processes(uses);
    use_find_block(uses);
    use_find_network(uses);
    use_find_display(uses);
    use_find_usb(uses);
    use_find_sound(uses);
    use_find_nodes(uses);
    use_find_vfio(uses);
    use_find_sriov(uses);
    *ret = uses;
    return 0;
}

void host_uses_free(struct host_uses *uses)
{
    if (uses == NULL)
        return;
    for (size_t i = 0; i < uses->inventory->count; i++) {
        for (size_t j = 0; j < uses->functions[i].count; j++)
            release_use(&uses->functions[i].list[j]);
        free(uses->functions[i].list);
    }
    for (size_t i = 0; i < uses->open_count; i++)
        free(uses->open[i].node);
    json_decref(uses->unreadable);
    free(uses->open);
    free(uses->spaces);
    free(uses->functions);
    free(uses);
}

void cleanup_host_uses(struct host_uses **uses)
{
    host_uses_free(*uses);
}

size_t host_uses_of(const struct host_uses *uses, struct pci_address address, const struct host_use **ret)
{
    const struct pci_device *function = inventory_find(uses->inventory, address);

    if (function == NULL)
        return 0;
    *ret = uses->functions[function - uses->inventory->devices].list;
    return uses->functions[function - uses->inventory->devices].count;
}

enum use_weight host_uses_weigh(const struct host_uses *uses, struct pci_address address)
{
    const struct host_use *list;

    return host_uses_of(uses, address, &list) > 0 ? list[0].weight : USE_NONE;
}

const json_t *host_uses_unreadable(const struct host_uses *uses)
{
    return uses->unreadable;
}
