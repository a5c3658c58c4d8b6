/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel's resets: the files reset and reset_method. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/hosts/kernel_parts.h"

const char *kernel_reset_methods(const char *id)
{
    static _Thread_local char methods[128];

    kernel_read_text(kernel_function_file(id, "reset_method"), methods, sizeof(methods));
    methods[strcspn(methods, "\n")] = '\0';
    return methods;
}

static bool has_word(const char *words, const char *word)
{
    autofree char *copy = xstrdup(words);
    char *rest = copy;

    for (char *one; (one = strsep(&rest, " \n")) != NULL;)
        if (strcmp(one, word) == 0)
            return true;
    return false;
}

int kernel_write_methods(const struct kernel_function *function, const char *value)
{
    autofree char *words = xstrdup(strcmp(value, "default") == 0 ? function->methods : value);
    autotext struct text line = {0};
    char *rest = words;

    for (char *word; (word = strsep(&rest, " \n")) != NULL;) {
        if (word[0] == '\0')
            continue;
        if (!has_word(function->methods, word))
            return -EINVAL;
        text_printf(&line, "%s%s", line.length > 0 ? " " : "", word);
    }
    text_append(&line, "\n");
    kernel_write_text(kernel_function_file(function->id, "reset_method"), text_string(&line));
    return 0;
}

static void stop_answering(const struct kernel_function *function)
{
    int fd = open(kernel_function_file(function->id, "config"), O_WRONLY | O_CLOEXEC);

    kernel_must(fd >= 0 && pwrite(fd, "\377\377\377\377\377\377\377\377", 8, 0) == 8,
                "take the configuration space away");
    close(fd);
}

/* What a method ends with; ENOTTY lets the next one try. */
static int reset_by(struct kernel_function *function, const char *method)
{
    for (size_t i = 0; i < KERNEL_RESET; i++)
        if (strcmp(function->resets[i].method, method) == 0 && function->resets[i].error > 0)
            return -function->resets[i].error;
        else if (strcmp(function->resets[i].method, method) == 0 && function->resets[i].error < 0)
            stop_answering(function);
    function->reset_count++;
    return 0;
}

int kernel_write_reset(struct kernel_function *function, const char *value)
{
    autofree char *methods = xstrdup(kernel_reset_methods(function->id));
    char *rest = methods;
    int result = -ENOTTY;

    if (strcmp(value, "1") != 0)
        return -EINVAL;
    if (!kernel_is_there(kernel_function_file(function->id, "reset_method"))) /* before Linux 5.15 */
        return reset_by(function, "");
    for (char *method; result == -ENOTTY && (method = strsep(&rest, " ")) != NULL;)
        if (method[0] != '\0')
            result = reset_by(function, method);
    return result;
}
