/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVIDIA's own interface for vGPUs. */
#include "hardware/slice/nvidia.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/bind/attribute.h"
#include "hardware/paths.h"
#include "hardware/sysfs.h"

#define MOST_TEXT 65536
#define PREFIX    "nvidia-" /* of a type's name, before its number */

/* "  557 : NVIDIA A40-1B". NULL for the heading and anything else. */
static json_t *parse_type(char *line, int available)
{
    char *colon = strchr(line, ':'), type[NVIDIA_TYPE_SIZE];
    unsigned long long number;

    if (colon == NULL)
        return NULL;
    *colon = '\0';
    if (!text_to_number(text_trim(line), 10, UINT_MAX, &number))
        return NULL;
    snprintf(type, sizeof(type), PREFIX "%llu", number);
    return json_pack("{s:s, s:s, s:i, s:s}", "type", type, "name", text_trim(colon + 1), "available",
                     available, "description", "");
}

static const char *type_of(const json_t *entry)
{
    return json_string_value(json_object_get(entry, "type"));
}

/* Sorted, as the kernel's types are. */
static void insert_sorted(json_t *list, json_t *entry)
{
    size_t at = json_array_size(list);

    while (at > 0 && strcmp(type_of(json_array_get(list, at - 1)), type_of(entry)) > 0)
        at--;
    json_array_insert_new(list, at, entry);
}

void nvidia_list_types(int function, json_t *list)
{
    autofree char *text = NULL;
    long long current = 0;
    char *rest;

    if (sysfs_read_whole(function, "nvidia/creatable_vgpu_types", MOST_TEXT, &text) < 0)
        return;
    sysfs_read_number(function, "nvidia/current_vgpu_type", &current);
    rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        json_t *entry = parse_type(line, current == 0 ? 1 : 0);
        if (entry != NULL)
            insert_sorted(list, entry);
    }
}

long long nvidia_parse_memory(const char *name)
{
    const char *size = strrchr(name, '-'), *before = size;
    unsigned gibibytes;
    char kind[2];

    if (size == NULL || sscanf(size, "-%4u%1[A-Z]", &gibibytes, kind) != 2)
        return 0;
    while (before > name && isdigit((unsigned char)before[-1]))
        before--;
    if (before < size && before > name && before[-1] == '-')
        return 0;
    return gibibytes > 0 ? (long long)gibibytes * 1024 : 512;
}

static struct host_path path_of_current(struct pci_address function)
{
    return pci_path(function, "nvidia/current_vgpu_type");
}

bool nvidia_share_card(const struct pci_device *function, const struct pci_device *other)
{
    return pci_address_compare(function->physical_function, other->physical_function) == 0;
}

int nvidia_read_type(const struct sysroot *sysroot, struct pci_address function,
                     char type[static NVIDIA_TYPE_SIZE])
{
    long long number;
    int result = sysfs_read_number(sysroot_fd(sysroot), path_of_current(function).text, &number);

    if (result < 0)
        return result;
    if (number <= 0)
        type[0] = '\0';
    else
        snprintf(type, NVIDIA_TYPE_SIZE, PREFIX "%lld", number);
    return 0;
}

int nvidia_select_type(const struct sysroot *sysroot, struct pci_address function, const char *type,
                       struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {EINVAL,
         "the driver does not offer this type now: the card's other vGPUs leave too little memory for "
         "it, or allow only types of their size; see nvidia-smi vgpu"},
        {ENOSPC, "the card has too little memory left for this type: release a vGPU of the same card"},
        {EBUSY, "the vGPU is in use: stop the virtual machine that has it"},
        {EPERM, "the driver does not allow it: the vGPU is in use, or the broker is not root"},
        {EIO, "NVIDIA's driver failed: see whether nvidia-vgpu-mgr runs; dmesg may say more"},
        {ENOENT, "there is no such file: NVIDIA's vGPU host driver is not bound to the function any more"},
        {0, NULL},
    };
    struct host_path file = path_of_current(function);
    char now[NVIDIA_TYPE_SIZE], id[PCI_ADDRESS_SIZE];
    const char *number = text_starts_with(type, PREFIX) ? type + strlen(PREFIX) : "0";

    if (attribute_write(sysroot, function, file.text, number, meanings, err) != 0)
        return -1;
    int result = nvidia_read_type(sysroot, function, now);
    if (result < 0)
        return attribute_fail(sysroot, function, -result, meanings, err, "read /%s", file.text);
    pci_address_format(function, id);
    if (strcmp(now, type) != 0)
        return error_set(err, ERROR_FAILED, "the driver took '%s' for /%s, but %s is %s%s: dmesg may say why",
                         number, file.text, id, now[0] != '\0' ? "a vGPU of type " : "no vGPU", now);
    return 0;
}
