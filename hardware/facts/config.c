/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the host: the configuration that its kernel was built with.
 *
 * A kernel with CONFIG_IKCONFIG_PROC has its own in proc/config.gz. Otherwise the package of the kernel
 * brought a file: to boot, or beside the modules, as Debian's do since 7.3, and Fedora's. */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/facts/parts.h"
#include "hardware/paths.h"

#define MOST_CONFIG (4 * 1024 * 1024)
#define MOST_PACKED (1024 * 1024)
#define GZIP_ONLY   (MAX_WBITS + 16) /* zlib's way to say that there must be a gzip header */

static void end_inflate(z_stream *stream)
{
    inflateEnd(stream);
}

/* -EBADMSG: not gzip, cut off, or more than MOST_CONFIG. */
static int unpack(unsigned char *packed, size_t size, char **ret)
{
    autofree char *text = xcalloc(1, MOST_CONFIG);
    __attribute__((cleanup(end_inflate))) z_stream stream = {.next_in = packed, .avail_in = (uInt)size};

    stream.next_out = (unsigned char *)text;
    stream.avail_out = MOST_CONFIG - 1;
    if (inflateInit2(&stream, GZIP_ONLY) != Z_OK || inflate(&stream, Z_FINISH) != Z_STREAM_END)
        return -EBADMSG;
    text[stream.total_out] = '\0';
    *ret = TAKE(text);
    return 0;
}

static int read_packed(struct facts *facts, const char *file, char **ret)
{
    autofree unsigned char *packed = xcalloc(1, MOST_PACKED);
    int size = sysfs_read_bytes(sysroot_fd(facts->sysroot), file, packed, MOST_PACKED);

    return size < 0 ? size : unpack(packed, (size_t)size, ret);
}

/* If there is none, the first file that is there but cannot be read is noted, else the one in boot. */
static const char *read_config(struct facts *facts)
{
    autofree char *boot = xasprintf("boot/config-%s", facts->release);
    autofree char *modules = xasprintf("usr/lib/modules/%s/config", facts->release);
    const char *files[] = {PROC_CONFIG, boot, modules}, *worst = boot;
    struct lazy_text *config = &facts->config;
    int error = -ENOENT;

    for (size_t i = 0; i < COUNT_OF(files) && !config->asked; i++) {
        int length = i == 0
                         ? read_packed(facts, files[i], &config->text)
                         : sysfs_read_whole(sysroot_fd(facts->sysroot), files[i], MOST_CONFIG, &config->text);
        if (length >= 0) {
            config->asked = true;
            config->file = xstrdup(files[i]);
        } else if (length != -ENOENT && error == -ENOENT) {
            worst = files[i];
            error = length;
        }
    }
    if (!config->asked)
        facts_note(facts, worst, error, true);
    config->asked = true;
    return config->text;
}

enum answer facts_kernel_option(struct facts *facts, const char *name)
{
    autofree char *set = xasprintf("\n%s=", name), *unset = xasprintf("\n# %s is not set", name);
    const char *text = read_config(facts);

    if (text != NULL && strstr(text, set) != NULL)
        return ANSWER_YES;
    return text != NULL && strstr(text, unset) != NULL ? ANSWER_NO : ANSWER_UNKNOWN;
}
