/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host does with its PCI functions: collecting, and giving each use to its function. */
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

static const struct pci_device *find_function(const struct host_uses *usage, const char *name)
{
    char canonical[PCI_ADDRESS_SIZE];
    struct pci_address address;

    if (strlen(name) >= sizeof(canonical) || !pci_address_parse(name, &address))
        return NULL;
    pci_address_format(address, canonical);
    return strcmp(name, canonical) == 0 ? inventory_find(usage->inventory, address) : NULL;
}

/* The last function on the way is the device's own; those before it are bridges, but for one that has a whole
 * PCI domain below it ("0000:00:0e.0/pci10000:e0/..."). */
bool use_add_owners(const struct host_uses *usage, const char *target, struct use_owners *owners)
{
    autofree char *path = xstrdup(target);
    const struct pci_device *last = NULL;
    char *rest = path;

    for (const char *part; (part = strsep(&rest, "/")) != NULL;) {
        const struct pci_device *function = find_function(usage, part);
        if (function != NULL)
            last = function;
        else if (text_starts_with(part, "pci") && strchr(part, ':') != NULL)
            add_owner(owners, last);
    }
    add_owner(owners, last);
    return owners->count > 0;
}

bool use_find_owners(const struct host_uses *usage, const char *folder, const char *name,
                     struct use_owners *ret)
{
    autofree char *path = xasprintf("%s/%s", folder, name);
    char target[PATH_MAX];

    ret->count = 0;
    return sysfs_read_link(usage->root, path, target, sizeof(target)) >= 0 &&
           use_add_owners(usage, target, ret);
}

struct use_owners use_own(const struct pci_device *function)
{
    return (struct use_owners){.functions = {function}, .count = 1};
}

bool use_is_for_guests(const struct pci_device *function)
{
    return strstr(function->driver, "vfio") != NULL;
}

/* Tables of /proc are filled up with blanks. */
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
    const char *const texts[] = {use->name, use->does, use->evidence, use->through};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        free((char *)(uintptr_t)texts[i]);
    use_mounts_release(&use->mounts);
}

static void note_too_many(struct host_uses *usage, const struct pci_device *function)
{
    use_note_reason(usage, pci_path(function->address, NULL).text,
                    "it has more uses than are shown; the heaviest are");
}

/* Behind those that weigh as much; what is too much falls off at the end. */
static void insert_use(struct host_uses *usage, const struct pci_device *function, const struct host_use *use)
{
    struct function_uses *uses = &usage->functions[function - usage->inventory->devices];
    size_t at = uses->count;

    uses->list = xrealloc(uses->list, uses->count + 1, sizeof(uses->list[0]));
    while (at > 0 && uses->list[at - 1].weight < use->weight)
        at--;
    memmove(&uses->list[at + 1], &uses->list[at], (uses->count - at) * sizeof(uses->list[0]));
    uses->count++;
    struct host_use *added = &uses->list[at];
    *added = *use;
    added->function = function;
    added->name = copy(use->name);
    added->does = copy(use->does);
    added->evidence = shorten(use->evidence);
    added->through = copy(use->through);
    added->mounts = (struct use_mounts){0};
    use_mounts_merge(&added->mounts, &use->mounts);
    if (uses->count <= MOST_USES)
        return;
    release_use(&uses->list[--uses->count]);
    note_too_many(usage, function);
}

void use_add(struct host_uses *usage, const struct use_owners *owners, struct host_use use,
             const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    autofree char *does = xvasprintf(format, arguments);
    va_end(arguments);
    use.does = does;
    for (size_t i = 0; i < owners->count; i++)
        insert_use(usage, owners->functions[i], &use);
}

void use_note_reason(struct host_uses *usage, const char *file, const char *reason)
{
    autofree char *path = xasprintf("/%s", file);
    size_t i;
    const json_t *entry;

    json_array_foreach(usage->unreadable, i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "file")), path) == 0)
            return;
    }
    if (json_array_size(usage->unreadable) < MOST_UNREADABLE)
        json_array_append_new(usage->unreadable, json_pack("{s:s, s:s}", "file", path, "reason", reason));
}

/* "none [integrity] confidentiality" */
static bool is_locked_down(const struct host_uses *usage)
{
    char text[64];

    return sysfs_read(usage->root, SYS_LOCKDOWN, text, sizeof(text)) > 0 && strstr(text, "[none]") == NULL;
}

void use_note(struct host_uses *usage, const char *file, int error)
{
    const char *reason = strerror(-error);

    if (error == -EPERM && is_locked_down(usage))
        reason = "hidden by the kernel's lockdown";
    else if (error == -EPERM || error == -EACCES)
        reason = "root needed";
    else if (error == -ENOENT || error == -ENOTDIR)
        reason = "absent";
    else if (error == -EFBIG)
        reason = "longer than is read";
    use_note_reason(usage, file, reason);
}

int use_list_folder(struct host_uses *usage, const char *folder, char ***ret)
{
    int result = sysfs_list(usage->root, folder, ret);

    if (result < 0 && result != -ENOENT)
        use_note(usage, folder, result);
    return result;
}

int host_uses_scan(const struct sysroot *sysroot, const struct inventory *inventory, struct host_uses **ret,
                   struct error *err)
{
    struct host_uses *usage = xcalloc(1, sizeof(*usage));

    (void)err;
    usage->root = sysroot_fd(sysroot);
    usage->inventory = inventory;
    usage->functions = xcalloc(inventory->count, sizeof(usage->functions[0]));
    usage->unreadable = json_array();
    use_read_processes(usage);
    use_find_block(usage);
    use_find_network(usage);
    use_find_display(usage);
    use_find_usb(usage);
    use_find_sound(usage);
    use_find_nodes(usage);
    use_find_vfio(usage);
    use_find_sriov(usage);
    *ret = usage;
    return 0;
}

void host_uses_free(struct host_uses *usage)
{
    if (usage == NULL)
        return;
    for (size_t i = 0; i < usage->inventory->count; i++) {
        for (size_t j = 0; j < usage->functions[i].count; j++)
            release_use(&usage->functions[i].list[j]);
        free(usage->functions[i].list);
    }
    for (size_t i = 0; i < usage->open_count; i++)
        free(usage->open[i].node);
    json_decref(usage->unreadable);
    free(usage->open);
    free(usage->functions);
    free(usage);
}

void cleanup_host_uses(struct host_uses **usage)
{
    host_uses_free(*usage);
}

size_t host_uses_of(const struct host_uses *usage, struct pci_address address, const struct host_use **ret)
{
    const struct pci_device *function = inventory_find(usage->inventory, address);

    if (function == NULL)
        return 0;
    *ret = usage->functions[function - usage->inventory->devices].list;
    return usage->functions[function - usage->inventory->devices].count;
}

enum use_weight host_uses_weigh(const struct host_uses *usage, struct pci_address address)
{
    const struct host_use *uses;

    return host_uses_of(usage, address, &uses) > 0 ? uses[0].weight : USE_NONE;
}

const json_t *host_uses_unreadable(const struct host_uses *usage)
{
    return usage->unreadable;
}
