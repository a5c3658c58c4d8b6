/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played driver of NVIDIA's vGPUs. The files themselves hold what is selected. Source: "Virtual GPU
 * Software User Guide" of NVIDIA. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/hosts/kernel_parts.h"

#define CURRENT     "nvidia/current_vgpu_type"
#define CREATABLE   "nvidia/creatable_vgpu_types"
#define CARD_MEMORY 48 /* GiB */

static const struct {
    unsigned number, memory;
    const char *name;
} types[] = {
    {1145, 1, "NVIDIA L40S-1B"},
    {1147, 1, "NVIDIA L40S-1Q"},
    {1151, 12, "NVIDIA L40S-12Q"},
    {1155, CARD_MEMORY, "NVIDIA L40S-48Q"},
};

static unsigned memory_of(unsigned number)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].number == number)
            return types[i].memory;
    return 0;
}

unsigned kernel_vgpu(const char *id)
{
    char text[32];

    kernel_read_text(kernel_function_file(id, CURRENT), text, sizeof(text));
    return (unsigned)strtoul(text, NULL, 10);
}

static bool is_sibling(const char *id, const char *other)
{
    char card[KERNEL_NAME], other_card[KERNEL_NAME];

    kernel_read_link(kernel_function_file(id, "physfn"), card);
    kernel_read_link(kernel_function_file(other, "physfn"), other_card);
    return strcmp(id, other) == 0 || (card[0] != '\0' && strcmp(card, other_card) == 0);
}

static void each_sibling(const char *id, void (*visit)(const char *id, void *context), void *context)
{
    char **names = NULL;
    int folder = open(kernel_path(KERNEL_DEVICES), O_PATH | O_DIRECTORY | O_CLOEXEC);

    kernel_looks = true;
    sysfs_list(folder, ".", &names);
    kernel_looks = false;
    for (char **name = names; name != NULL && *name != NULL; name++)
        if (kernel_is_there(kernel_function_file(*name, CURRENT)) && is_sibling(id, *name))
            visit(*name, context);
    sysfs_free_list(&names);
    close(folder);
}

struct card {
    unsigned used, size; /* GiB, of all vGPUs and of each */
};

static void add_used(const char *id, void *context)
{
    struct card *card = context;
    unsigned memory = memory_of(kernel_vgpu(id));

    card->used += memory;
    if (memory > 0)
        card->size = memory;
}

static bool is_creatable(const struct card *card, unsigned memory)
{
    return memory > 0 && card->used + memory <= CARD_MEMORY && (card->size == 0 || card->size == memory);
}

static void write_creatable(const char *id, void *context)
{
    autotext struct text text = {0};

    text_append(&text, "ID    : vGPU Name\n");
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (is_creatable(context, types[i].memory))
            text_printf(&text, "%-5u : %s\n", types[i].number, types[i].name);
    kernel_write_text(kernel_function_file(id, CREATABLE), text_string(&text));
}

static void update_card(const char *id)
{
    struct card card = {0};

    each_sibling(id, add_used, &card);
    each_sibling(id, write_creatable, &card);
}

void kernel_add_vgpu(const char *id)
{
    mkdir(kernel_function_file(id, "nvidia"), 0755);
    kernel_write_text(kernel_function_file(id, CURRENT), "0\n");
    update_card(id);
}

int kernel_write_vgpu(const char *id, const char *value)
{
    struct card card = {0};
    char *end, text[32];
    unsigned long number = strtoul(value, &end, 10);

    if (*value == '\0' || *end != '\0')
        return -EINVAL;
    each_sibling(id, add_used, &card);
    if (number != 0 && (kernel_vgpu(id) != 0 || !is_creatable(&card, memory_of((unsigned)number))))
        return -EINVAL;
    snprintf(text, sizeof(text), "%lu\n", number);
    kernel_write_text(kernel_function_file(id, CURRENT), text);
    update_card(id);
    return 0;
}
