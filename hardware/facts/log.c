/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the host: the kernel log.
 *
 * A read of dev/kmsg gives one record, "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT", and lines of properties that
 * begin with a blank (Documentation/ABI/testing/dev-kmsg). Where it cannot be read, the log daemon's file may
 * be; of the boots in that file the last one counts. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/facts/parts.h"

#define MOST_LOG  (1024 * 1024)
#define MOST_READ (8 * MOST_LOG) /* enough to get to the newest part of a larger ring */
#define RECORD    8192

/* Drops the older half when there is too much. */
static void keep(struct text *log, const char *bytes, size_t count)
{
    text_append_bytes(log, bytes, count);
    if (log->length <= 2 * MOST_LOG)
        return;
    struct text rest = {0};
    text_append_bytes(&rest, log->data + log->length - MOST_LOG, MOST_LOG);
    text_release(log);
    *log = rest;
}

/* EPIPE: records were overwritten before we read them; the next read goes on after them. */
static int read_all(int fd, struct text *log)
{
    char buffer[RECORD];

    for (size_t total = 0; total < MOST_READ;) {
        ssize_t count = read(fd, buffer, sizeof(buffer));
        if (count == 0 || (count < 0 && errno == EAGAIN))
            return 0;
        if (count < 0 && errno != EPIPE && errno != EINTR)
            return -errno;
        if (count > 0)
            keep(log, buffer, (size_t)count);
        total += count > 0 ? (size_t)count : 1;
    }
    return 0;
}

static int read_log(struct facts *facts, const char *file, struct text *log)
{
    autoclose int fd = openat(sysroot_fd(facts->sysroot), file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > MOST_LOG)
        lseek(fd, status.st_size - MOST_LOG, SEEK_SET);
    return read_all(fd, log);
}

static const char *skip_prefix(const char *line)
{
    size_t numbers = strspn(line, "0123456789,");
    const char *text = strchr(line, ';');

    return memchr(line, ',', numbers) != NULL && text != NULL ? text + 1 : line;
}

/* Keeps the lines since the kernel started, without their prefixes and with printable ASCII only. */
static char *clean(char *raw)
{
    struct text log = {0};

    for (char *line; (line = strsep(&raw, "\n")) != NULL;) {
        if (*line == ' ' || *line == '\0')
            continue;
        for (char *c = line; *c != '\0'; c++)
            *c = *c >= ' ' && *c <= '~' ? *c : '?';
        const char *text = skip_prefix(line);
        if (strstr(text, "Linux version ") != NULL)
            log.length = 0;
        text_printf(&log, "%s\n", text);
    }
    return text_take(&log);
}

const char *facts_kernel_log(struct facts *facts)
{
    static const char *const files[] = {"dev/kmsg", "var/log/kern.log", "var/log/dmesg"};
    struct lazy_text *result = &facts->log;
    int first_error = 0;

    for (size_t i = 0; i < COUNT_OF(files) && !result->asked; i++) {
        autotext struct text raw = {0};
        int error = read_log(facts, files[i], &raw);
        first_error = i == 0 ? error : first_error;
        if (error != 0 || raw.length == 0)
            continue;
        result->asked = true;
        result->file = xstrdup(files[i]);
        result->text = clean(raw.data);
    }
    if (!result->asked)
        facts_note(facts, files[0], first_error, true);
    result->asked = true;
    return result->text;
}
