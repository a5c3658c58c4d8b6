/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker as its clients see it: who may ask, what is refused, and that nobody holds it up. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/daemon/broker.h"
#include "broker/daemon/client.h"
#include "broker/protocol.h"
#include "tests/unit/broker/testbed.h"

#define NOBODY   65534
#define STRANGER 12345 /* neither root nor nobody */

/* A client that sends whatever the test likes. */
static int connect_raw(const struct testbed *testbed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    autofree char *path = xasprintf("%s/run/broker.sock", testbed->tree.path);
    cr_assert_lt(strlen(path), sizeof(address.sun_path));
    stpcpy(address.sun_path, path);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0, "%s", strerror(errno));
    return fd;
}

/* Sends a text (' stands for ") as it is, and expects this error. */
static void expect_refusal(const struct testbed *testbed, const char *request, const char *kind,
                           const char *part)
{
    autoclose int fd = connect_raw(testbed);
    autofree char *text = xstrdup(request);
    autojson json_t *reply = NULL;
    struct error err;

    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    cr_assert_gt(send(fd, text, strlen(text), MSG_NOSIGNAL), 0);
    cr_assert_eq(protocol_receive(fd, &reply, &err), 1, "%s: %s", request, err.message);
    const json_t *error = json_object_get(reply, "error");
    cr_assert_str_eq(json_string_value(json_object_get(error, "kind")), kind, "%s", request);
    cr_assert_not_null(strstr(json_string_value(json_object_get(error, "message")), part), "%s: %s", request,
                       json_string_value(json_object_get(error, "message")));
    autojson json_t *more = NULL;
    cr_assert_eq(protocol_receive(fd, &more, &err), 0, "the connection ends with the refusal");
}

Test(broker, does_what_is_in_its_table_and_nothing_else)
{
    static const struct {
        const char *request, *kind, *part;
    } refusals[] = {
        {"rubbish", "unreadable", "not a JSON object"},
        {"[]", "unreadable", "not a JSON object"},
        {"{}", "invalid", "operation"},
        {"{'operation': 1}", "invalid", "operation"},
        {"{'operation': 'state', 'more': 1}", "invalid", "more"},
        {"{'operation': 'state', 'arguments': []}", "invalid", "{operation, id?, arguments?}"},
        {"{'operation': 'spawn'}", "not-found", "no operation 'spawn'"},
        {"{'operation': 'recover', 'id': 'x'}", "not-found", "no operation 'recover'"},
        {"{'operation': 'state', 'arguments': {'id': 'x'}}", "invalid", "id: "},
        {"{'operation': 'describe'}", "invalid", "id: property is missing"},
        {"{'operation': 'describe', 'arguments': {'id': '../../etc'}}", "invalid", "id: "},
        {"{'operation': 'driver', 'id': 'x', 'arguments': {'id': '" DISK "', 'driver': '../x'}}", "invalid",
         "driver: "},
        {"{'operation': 'driver', 'id': 'x', 'arguments': {'id': '" DISK "', 'driver': 'none', 'force': 2}}",
         "invalid", "force: "},
        {"{'operation': 'driver', 'id': 'x', 'arguments': {'id': '" DISK
         "', 'driver': 'none', 'scope': 'all'}}",
         "invalid", "scope: "},
        {"{'operation': 'reset', 'arguments': {'id': '" DISK "'}}", "invalid", "needs an 'id'"},
        {"{'operation': 'reset', 'id': 'a b', 'arguments': {'id': '" DISK "'}}", "invalid", "without blanks"},
        {"{'operation': 'reset', 'id': 'boot:" DISK "', 'arguments': {'id': '" DISK "'}}", "invalid",
         "one of the broker's own"},
        {"{'operation': 'reset', 'id': 'end:100:1', 'arguments': {'id': '" DISK "'}}", "invalid",
         "one of the broker's own"},
        {"{'operation': 'follow', 'arguments': {'id': 'unheard'}}", "not-found", "no operation 'unheard'"},
        {"{'operation': 'follow', 'arguments': {'id': 'x', 'after': -1}}", "invalid", "after: "},
        {"{'operation': 'stop', 'arguments': {'id': 'unheard'}}", "not-found", "no operation 'unheard' runs"},
    };
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        expect_refusal(&testbed, refusals[i].request, refusals[i].kind, refusals[i].part);
    autofree char *long_id = xcalloc(1, 600);
    memset(long_id, 'x', 512);
    autofree char *request =
        xasprintf("{'operation': 'reset', 'id': '%s', 'arguments': {'id': '" DISK "'}}", long_id);
    expect_refusal(&testbed, request, "invalid", "at most 511");
    expect_nothing_open(&testbed);
}

Test(broker, a_message_that_is_too_long_is_refused)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    autofree char *text = xcalloc(1, PROTOCOL_MESSAGE_LIMIT + 2);
    memset(text, ' ', PROTOCOL_MESSAGE_LIMIT + 1);
    expect_refusal(&testbed, text, "too-large", "131073 bytes");
}

/* Clients send nothing, half a message, or hang up in the middle: others are served meanwhile. */
Test(broker, clients_do_not_hold_each_other)
{
    autotestbed struct testbed testbed;
    struct error err;
    int silent[50];

    testbed_make(&testbed);
    for (size_t i = 0; i < COUNT_OF(silent); i++)
        silent[i] = connect_raw(&testbed);
    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        cr_assert_eq(broker_check(testbed.client, &err), 0, "%s", err.message);
        if (i % 2 == 0)
            cr_assert_gt(send(silent[i], "{\"operation\": ", 14, MSG_NOSIGNAL), 0);
        close(silent[i]);
    }
    cr_assert_eq(broker_check(testbed.client, &err), 0, "%s", err.message);
}

Test(broker, has_room_again_when_clients_leave)
{
    autotestbed struct testbed testbed;
    struct error err;
    int silent[CLIENT_LIMIT];

    testbed_make(&testbed);
    for (size_t i = 0; i < COUNT_OF(silent); i++)
        silent[i] = connect_raw(&testbed);
    pid_t waiting = fork();
    if (waiting == 0) {
        for (size_t i = 0; i < COUNT_OF(silent); i++)
            close(silent[i]); /* they are the parent's */
        _exit(broker_check(testbed.client, &err) == 0 ? 0 : 1);
    }
    int status;
    usleep(200 * 1000);
    cr_assert_eq(waitpid(waiting, &status, WNOHANG), 0, "there is no room");
    close(silent[0]);
    cr_assert_eq(waitpid(waiting, &status, 0), waiting);
    cr_assert_eq(status, 0);
    for (size_t i = 1; i < COUNT_OF(silent); i++)
        close(silent[i]);
}

Test(broker, a_client_that_sends_nothing_is_hung_up_on)
{
    autotestbed struct testbed testbed;
    json_t *message;
    struct error err;

    testbed_make(&testbed);
    autoclose int fd = connect_raw(&testbed);
    cr_assert_eq(protocol_receive(fd, &message, &err), 0, "%s", err.message);
}

/* What the user is told who asks the broker. */
static void expect_told(const struct testbed *testbed, uid_t user, const char *text)
{
    int ended;
    pid_t child = fork();

    if (child == 0) {
        struct error err = {.message = ""};
        if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0 ||
            broker_check(testbed->client, &err) == 0 || err.kind != ERROR_BUSY)
            _exit(1);
        _exit(strstr(err.message, text) != NULL ? 0 : 2);
    }
    cr_assert_eq(waitpid(child, &ended, 0), child);
    cr_assert_eq(ended, 0, "status %x for '%s'", (unsigned)ended, text);
}

/* Whoever gets through to it nevertheless is known to the kernel. */
Test(broker, strangers_cannot_connect_and_are_not_answered)
{
    autotestbed struct testbed testbed;
    struct stat status;

    if (geteuid() != 0)
        cr_skip_test("only root can be somebody else");
    testbed_make(&testbed);
    autofree char *path = xasprintf("%s/run/broker.sock", testbed.tree.path);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    cr_assert_eq(status.st_uid, getpwnam("hostpci") != NULL ? getpwnam("hostpci")->pw_uid : NOBODY);
    cr_assert_eq(chmod(testbed.tree.path, 0755), 0);
    expect_told(&testbed, STRANGER, "Permission denied");
    cr_assert_eq(chmod(path, 0666), 0);
    expect_told(&testbed, STRANGER, "does not answer user 12345");
}

/* It would be sent passwords. */
Test(broker, impostor_is_not_asked)
{
    __attribute__((cleanup(tree_remove))) struct tree tree;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct error err;

    if (geteuid() != 0)
        cr_skip_test("only root can be somebody else");
    tree_make(&tree);
    autofree char *path = xasprintf("%s/broker.sock", tree.path);
    stpcpy(address.sun_path, path);
    autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(seteuid(STRANGER), 0);
    cr_assert_eq(listen(fd, 5), 0);
    cr_assert_eq(seteuid(0), 0);
    struct broker *client = broker_new(tree.path);
    cr_assert_eq(broker_check(client, &err), -1);
    cr_expect_eq(err.kind, ERROR_BUSY);
    cr_expect_not_null(strstr(err.message, "user 12345 listens there, who is not root"), "%s", err.message);
    autoclose int other = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    char byte;
    cr_expect_eq(recv(other, &byte, 1, MSG_DONTWAIT), 0, "it was sent nothing");
    broker_free(client);
}

/* Starts one more broker, which must end by itself with this text. */
static void expect_no_broker(const char *const *arguments, const char *text)
{
    char said[4096] = "";
    int output[2], status;
    size_t count = 0;

    cr_assert_eq(pipe(output), 0);
    while (arguments[count] != NULL)
        count++;
    pid_t child = fork();
    if (child == 0) {
        dup2(output[1], STDERR_FILENO);
        close(output[1]);
        _exit(broker_main((int)count, (char **)(uintptr_t)arguments));
    }
    close(output[1]);
    for (size_t used = 0;;) {
        ssize_t got = read(output[0], said + used, sizeof(said) - 1 - used);
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    close(output[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(WEXITSTATUS(status), EXIT_FAILURE);
    cr_assert_not_null(strstr(said, text), "it should say '%s': %s", text, said);
}

Test(broker, is_the_only_one_in_its_folders)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    const char *tree = testbed.tree.path;
    autofree char *run = xasprintf("%s/run", tree), *other_run = xasprintf("%s/other-run", tree);
    autofree char *journal = xasprintf("%s/broker", tree), *other = xasprintf("%s/other", tree);
    expect_no_broker(
        (const char *const[]){"broker", "--run-dir", run, "--broker-dir", other, "--sysroot", tree, NULL},
        "another broker answers on");
    expect_no_broker((const char *const[]){"broker", "--run-dir", other_run, "--broker-dir", journal,
                                           "--sysroot", tree, NULL},
                     "another broker uses");
}

Test(broker, says_what_is_wrong_with_its_options)
{
    __attribute__((cleanup(tree_remove))) struct tree tree;
    struct error err;

    tree_make(&tree);
    autofree char *file = xasprintf("%s/broker.sock", tree.path);
    autofree char *journal = xasprintf("%s/journal", tree.path);
    expect_no_broker((const char *const[]){"broker", "--listen", "x", NULL}, "option '--listen' is unknown");
    expect_no_broker((const char *const[]){"broker", "--run-dir", NULL}, "option '--run-dir' needs a value");
    expect_no_broker((const char *const[]){"broker", "--run-dir", "", NULL}, "is empty");
    expect_no_broker((const char *const[]){"broker", "more", NULL}, "'more' is not an option");
    expect_no_broker((const char *const[]){"broker", "--sysroot", "/nonexistent", NULL}, "--sysroot: ");
    expect_no_broker((const char *const[]){"broker", "--sysroot", tree.path, "--user", "no such user", NULL},
                     "there is no user 'no such user'");
    cr_assert_eq(file_replace(file, "x", 1, 0600, &err), 0);
    expect_no_broker((const char *const[]){"broker", "--sysroot", tree.path, "--run-dir", tree.path,
                                           "--broker-dir", journal, NULL},
                     "is not a socket");
}

Test(broker, replaces_the_socket_of_one_that_was_killed)
{
    autotestbed struct testbed testbed;
    struct error err;

    testbed_make(&testbed);
    testbed_stop_broker(&testbed, SIGKILL);
    cr_assert_eq(broker_check(testbed.client, &err), -1);
    cr_assert_eq(err.kind, ERROR_BUSY);
    cr_assert_not_null(strstr(err.message, "start `hostpci broker` as root"), "%s", err.message);
    testbed_start_broker(&testbed);
    testbed_stop_broker(&testbed, SIGTERM);
    autofree char *path = xasprintf("%s/run/broker.sock", testbed.tree.path);
    cr_assert_neq(access(path, F_OK), 0, "its socket goes with it");
}

/* A worker holds the socket until it has closed what it does not need. */
Test(broker, replaces_the_socket_that_a_child_of_a_dead_one_holds)
{
    autotestbed struct testbed testbed;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int status;

    testbed_make(&testbed);
    testbed_stop_broker(&testbed, SIGTERM);
    autofree char *path = xasprintf("%s/run/broker.sock", testbed.tree.path);
    stpcpy(address.sun_path, path);
    pid_t listener = fork();
    if (listener == 0) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 5) != 0)
            _exit(1);
        if (fork() == 0) {
            close_range(STDIN_FILENO, (unsigned)fd - 1, 0); /* or who waits for their end waits for us */
            close_range((unsigned)fd + 1, UINT_MAX, 0);
            sleep(20);
        }
        _exit(0);
    }
    cr_assert_eq(waitpid(listener, &status, 0), listener);
    cr_assert_eq(status, 0);
    testbed_start_broker(&testbed);
}
