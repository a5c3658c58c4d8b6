/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, strings and files. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

Test(error, gets_context_on_the_way_up)
{
    struct error err;

    cr_assert_eq(error_set(&err, ERROR_NOT_FOUND, "no pot '%s'", "x"), -1);
    cr_assert_eq(error_prefix(&err, "tea %d: ", 5), -1);
    cr_assert_str_eq(err.message, "tea 5: no pot 'x'");
    cr_assert_eq(err.kind, ERROR_NOT_FOUND);
    error_set_field(&err, "pot", "%s again", err.message); /* its own message may be an argument */
    cr_assert_str_eq(err.message, "tea 5: no pot 'x' again");
    cr_assert_str_eq(err.field, "pot");
    cr_assert_eq(err.kind, ERROR_INVALID);
}

Test(error, says_what_the_system_said)
{
    struct error err;

    error_set_errno(&err, ENOSPC, "cannot write '%s'", "f");
    cr_assert_str_eq(err.message, "cannot write 'f': No space left on device");
}

Test(error, a_message_that_is_too_long_is_cut)
{
    struct error err;
    char long_word[4096];

    memset(long_word, 'x', sizeof(long_word));
    long_word[sizeof(long_word) - 1] = '\0';
    error_set(&err, ERROR_FAILED, "%s", long_word);
    error_prefix(&err, "%s", long_word);
    cr_assert_eq(strlen(err.message), sizeof(err.message) - 1);
}

Test(text, grows)
{
    autotext struct text text = {0};

    cr_assert_str_eq(text_string(&text), "");
    for (int i = 0; i < 1000; i++)
        text_printf(&text, "%d,", i % 10);
    text_append(&text, "end");
    cr_assert_eq(text.length, 2003);
    cr_assert(text_ends_with(text_string(&text), "9,end"));
    autofree char *taken = text_take(&text);
    cr_assert(text_starts_with(taken, "0,1,2,"));
    cr_assert_null(text.data);
}

Test(text, numbers_have_one_spelling)
{
    static const char *const wrong[] = {"",   " 1", "+1", "-1", "1 ", "0x1", "1a", "18446744073709551616",
                                        "256"};
    unsigned long long number = 7;

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_expect_not(text_to_number(wrong[i], 10, 255, &number), "%s", wrong[i]);
    cr_assert_eq(number, 7);
    cr_assert(text_to_number("255", 10, 255, &number) && number == 255);
    cr_assert(text_to_number("00ff", 16, 255, &number) && number == 255);
    cr_assert_not(text_to_number("0xff", 16, 255, &number));
}

Test(text, trims_in_place)
{
    char line[] = " \t a b \n";

    cr_assert_str_eq(text_trim(line), "a b");
}

Test(file, is_replaced_as_a_whole)
{
    char folder[] = "/tmp/hostpci-test-XXXXXX";
    struct error err;
    struct stat status;
    autofree char *path = xasprintf("%s/a/b/file", mkdtemp(folder)), *nested = xasprintf("%s/a/b", folder);
    autofree char *content = NULL;
    size_t length;

    cr_assert_eq(file_read(path, 10, &content, NULL, &err), -1);
    cr_assert_eq(err.kind, ERROR_NOT_FOUND);
    cr_assert_eq(file_make_folder(nested, 0700, &err), 0);
    cr_assert_eq(file_make_folder(nested, 0700, &err), 0, "an existing folder is fine");
    cr_assert_eq(file_replace(path, "one", 3, 0600, &err), 0, "%s", err.message);
    cr_assert_eq(file_replace(path, "three", 5, 0600, &err), 0, "%s", err.message);
    cr_assert_eq(file_read(path, 10, &content, &length, &err), 0);
    cr_assert_str_eq(content, "three");
    cr_assert_eq(length, 5);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0600);
    cr_assert_eq(file_read(path, 4, NULL, NULL, &err), -1);
    cr_assert_eq(err.kind, ERROR_TOO_LARGE);
    unlink(path);
    rmdir(nested);
}

static unsigned count_files(const char *folder)
{
    DIR *files = opendir(folder);
    unsigned count = 0;

    cr_assert_not_null(files);
    for (const struct dirent *entry; (entry = readdir(files)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(files);
    return count;
}

/* The kernel kills whoever writes more than it may. */
static void write_and_be_killed(int (*write_file)(const char *path, const void *data, size_t length,
                                                  mode_t mode, struct error *err),
                                const char *path)
{
    static char data[8192];
    const struct rlimit limit = {4096, 4096}, no_core = {0, 0};
    struct error err;
    int status;
    pid_t child = fork();

    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        setrlimit(RLIMIT_FSIZE, &limit);
        signal(SIGXFSZ, SIG_DFL);
        write_file(path, data, sizeof(data), 0600, &err);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ, "status %x", status);
}

Test(file, of_which_the_writer_is_killed_leaves_nothing)
{
    char folder[] = "/dev/shm/hostpci-test-XXXXXX";
    autofree char *path = xasprintf("%s/file", mkdtemp(folder)), *content = NULL;
    struct error err;

    write_and_be_killed(file_create, path);
    cr_expect_eq(count_files(folder), 0);
    cr_assert_eq(file_create(path, "one", 3, 0600, &err), 0, "%s", err.message);
    cr_assert_eq(file_create(path, "two", 3, 0600, &err), -1);
    cr_expect_eq(err.kind, ERROR_CONFLICT);
    write_and_be_killed(file_replace, path);
    cr_expect_eq(count_files(folder), 1);
    cr_assert_eq(file_read(path, 10, &content, NULL, &err), 0);
    cr_expect_str_eq(content, "one");
    unlink(path);
    rmdir(folder);
}
