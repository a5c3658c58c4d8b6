/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log from now on. */
#include "hardware/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define MOST_READ 4096 /* records at once, of a kernel that never stops logging */

int kmsg_follow(const struct sysroot *sysroot)
{
    int fd = openat(sysroot_fd(sysroot), "dev/kmsg", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    lseek(fd, 0, SEEK_END);
    return fd;
}

/* A record is "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT" and lines of properties, which begin with a blank. */
static size_t add_lines(char *record, const char *word, struct text *ret)
{
    size_t count = 0;

    for (char *line; (line = strsep(&record, "\n")) != NULL;) {
        const char *text = strchr(line, ';');
        if (line[0] == ' ' || text == NULL || strstr(text, word) == NULL)
            continue;
        for (char *byte = line; *byte != '\0'; byte++)
            *byte = *byte >= ' ' && *byte <= '~' ? *byte : '?';
        text_printf(ret, "%s\n", text + 1);
        count++;
    }
    return count;
}

void kmsg_read_about(int fd, const char *word, size_t most, struct text *ret)
{
    char record[8192 + 1];
    size_t count = 0;

    for (int i = 0; fd >= 0 && i < MOST_READ && count < most; i++) {
        ssize_t length = read(fd, record, sizeof(record) - 1);
        if (length < 0 && (errno == EPIPE || errno == EINTR)) /* EPIPE: records were lost */
            continue;
        if (length <= 0)
            return;
        record[length] = '\0';
        count += add_lines(record, word, ret);
    }
}
