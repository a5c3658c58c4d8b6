/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the host: the kernel's configuration, wherever it is. */
#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "hardware/facts/facts.h"
#include "tests/unit/hardware/fixture.h"

#define RELEASE "6.12.94+deb13-amd64"
#define BOOT    "boot/config-" RELEASE
#define MODULES "usr/lib/modules/" RELEASE "/config"
#define PACKED  "proc/config.gz"
#define TEXT    "#\n# Linux/x86\n#\nCONFIG_VFIO=m\nCONFIG_PCI_IOV=y\n# CONFIG_IOMMUFD is not set\n"
#define OTHER   "#\nCONFIG_IOMMUFD=m\n"

static size_t pack(const char *text, size_t length, unsigned char *ret, size_t size)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text, .avail_in = (uInt)length};

    cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = ret;
    stream.avail_out = (uInt)size;
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void write_packed(const struct tree *tree, const char *text, size_t length, size_t cut)
{
    static unsigned char packed[65536];
    size_t size = pack(text, length, packed, sizeof(packed));

    tree_write_bytes(tree, PACKED, packed, size - cut);
}

static void make(struct tree *tree)
{
    tree_make(tree);
    tree_write(tree, "proc/sys/kernel/osrelease", RELEASE "\n");
}

/* `file` NULL: there is no configuration, and `unreadable` is what the facts say instead. */
static void expect_config(const struct tree *tree, const char *file, enum answer iommufd,
                          const char *unreadable)
{
    autofacts struct facts facts;

    facts_read(tree->sysroot, &facts);
    json_array_clear(facts.unreadable);
    cr_expect_eq(facts_kernel_option(&facts, "CONFIG_IOMMUFD"), iommufd);
    cr_expect_eq(facts_kernel_option(&facts, "CONFIG_VFI"), ANSWER_UNKNOWN);
    if (file != NULL)
        cr_expect_str_eq(facts.config.file, file);
    else
        cr_expect_null(facts.config.file);
    expect_json(json_incref(facts.unreadable), unreadable != NULL ? unreadable : "[]");
}

Test(facts_config, is_found_in_each_of_its_places)
{
    static const char *const places[] = {BOOT, MODULES};

    for (size_t i = 0; i < COUNT_OF(places); i++) {
        autotree struct tree tree;
        make(&tree);
        tree_write(&tree, places[i], TEXT);
        expect_config(&tree, places[i], ANSWER_NO, NULL);
    }
}

Test(facts_config, is_the_running_kernels_own_where_that_tells)
{
    autotree struct tree tree;

    make(&tree);
    tree_write(&tree, BOOT, OTHER);
    tree_write(&tree, MODULES, OTHER);
    expect_config(&tree, BOOT, ANSWER_YES, NULL);
    write_packed(&tree, TEXT, strlen(TEXT), 0);
    expect_config(&tree, PACKED, ANSWER_NO, NULL);
}

/* Cut off, no gzip at all, empty, and a bomb of 8 MiB: the next file counts. */
Test(facts_config, is_not_taken_from_a_damaged_file)
{
    autotree struct tree tree;
    autofree char *zeros = xcalloc(8, 1 << 20);

    make(&tree);
    write_packed(&tree, TEXT, strlen(TEXT), 9);
    expect_config(&tree, NULL, ANSWER_UNKNOWN, "[{'file': 'proc/config.gz', 'reason': 'Bad message'}]");
    tree_write(&tree, MODULES, OTHER);
    expect_config(&tree, MODULES, ANSWER_YES, NULL);
    tree_write(&tree, PACKED, TEXT);
    expect_config(&tree, MODULES, ANSWER_YES, NULL);
    tree_write(&tree, PACKED, "");
    expect_config(&tree, MODULES, ANSWER_YES, NULL);
    write_packed(&tree, zeros, 8 << 20, 0);
    expect_config(&tree, MODULES, ANSWER_YES, NULL);
}

Test(facts_config, that_is_nowhere_is_noted_once)
{
    autotree struct tree tree;

    make(&tree);
    expect_config(&tree, NULL, ANSWER_UNKNOWN, "[{'file': '" BOOT "', 'reason': 'absent'}]");
}
