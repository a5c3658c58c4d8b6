/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial port of a VM that really runs, through a WebSocket, as xterm.js sees it, and by `hostpci qm
 * terminal`. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/console.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"

#define VM QEMU "/100"
#define MS 60000 /* for whatever must come */

static void start(void)
{
    START(.host = NULL, .listen = "https://127.0.0.1:0");
    guest_create(&guest_of_agent);
}

TestSuite(qemu_terminal, .init = start, .fini = console_kill_vm, .timeout = 240);

static void send_text(int fd, const char *text)
{
    console_send_frame(fd, 0x82, text, strlen(text));
}

/* The guest may have answered more often. */
static void expect_closed_after_all(int fd)
{
    autofree char *rest = raw_read(fd, MS / 1000);

    cr_expect(rest != NULL);
}

/* The guest answers each line; a size and a sign of life in between change nothing. */
DAEMON_TEST(qemu_terminal, carries_what_is_typed_and_what_the_guest_says)
{
    put(VM "/config", "serial0", "socket", NULL);
    console_start_vm();
    const json_t *proxy = post(VM "/termproxy", NULL);
    autoclose int fd = console_open_terminal(proxy);
    console_send_line(fd, proxy);
    console_expect_stream(fd, "OKstarting serial terminal on interface serial0\r\n");
    for (;;) { /* it does not listen before it has booted */
        struct pollfd waited = {.fd = fd, .events = POLLIN};
        send_text(fd, "1:80:24:20:24:{\"execute\":\"guest-ping\"}");
        send_text(fd, "20:1:\n");
        if (poll(&waited, 1, 500) == 1)
            break;
    }
    console_expect_stream(fd, "{\"return\":{}}\n");
    send_text(fd, "3");
    expect_closed_after_all(fd);
    cr_assert_str_eq(vm_task_end(text_of(proxy, "upid")), "OK");
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
}

static void expect_failure(const char *serial, const char *text)
{
    const json_t *proxy =
        serial == NULL ? post(VM "/termproxy", NULL) : post(VM "/termproxy", "serial", serial, NULL);
    autofree char *answer = xasprintf("OK%s\r\n", text);
    autoclose int fd = console_open_terminal(proxy);

    console_send_line(fd, proxy);
    console_expect_stream(fd, answer);
    console_expect_closed(fd);
    cr_expect_str_eq(vm_task_end(text_of(proxy, "upid")), text);
}

/* In the terminal, with Proxmox VE's words; a wrong line gets none. */
DAEMON_TEST(qemu_terminal, shows_why_there_is_none)
{
    expect_failure(NULL, "VM 100 not running");
    console_start_vm();
    expect_failure(NULL, "unable to find a serial interface");
    expect_failure("serial1", "serial interface 'serial1' is not configured");
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
    put(VM "/config", "serial0", "socket", NULL);
    const json_t *proxy = post(VM "/termproxy", NULL);
    autoclose int fd = console_open_terminal(proxy);
    send_text(fd, "root@pam:PVEVNC:\n");
    console_expect_closed(fd);
}

/* It is closed after ten seconds. */
DAEMON_TEST(qemu_terminal, is_not_kept_for_who_says_nothing)
{
    double began = machine_now();
    const json_t *proxy = post(VM "/termproxy", NULL);
    autoclose int fd = console_open_terminal(proxy);

    console_expect_closed(fd);
    cr_expect_geq(machine_now() - began, 9.0);
}

/* QEMU would let the second one wait without a word. */
DAEMON_TEST(qemu_terminal, is_one_at_a_time_and_free_again_at_its_end)
{
    static const char taken[] =
        "another terminal has serial0 of VM 100: close that one, or stop its task, and try again";

    put(VM "/config", "serial0", "socket", NULL);
    console_start_vm();
    const json_t *proxy = post(VM "/termproxy", NULL);
    int fd = console_open_terminal(proxy);
    console_send_line(fd, proxy);
    console_expect_stream(fd, "OKstarting serial terminal on interface serial0\r\n");
    expect_failure(NULL, taken);
    close(fd);
    const json_t *again = post(VM "/termproxy", NULL);
    autoclose int second = console_open_terminal(again);
    console_send_line(second, again);
    console_expect_stream(second, "OKstarting serial terminal on interface serial0\r\n");
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
}

/* hostpci qm terminal 100 ARGUMENTS, with a terminal of ours as its input. */
static pid_t start_client(const char *output, int *ret_master, const char *const *arguments)
{
    const char *argv[16] = {program_hostpci(), "qm", "terminal", "100"};

    int slave;

    cr_assert_eq(openpty(ret_master, &slave, NULL, NULL, NULL), 0);
    cr_assert_eq(dup2(slave, STDIN_FILENO), STDIN_FILENO);
    close(slave);
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    for (size_t i = 0; arguments[i] != NULL; i++)
        argv[4 + i] = arguments[i];
    return program_start(argv, output, "/dev/null", 0);
}

static bool is_raw(void)
{
    struct termios now;

    cr_assert_eq(tcgetattr(STDIN_FILENO, &now), 0);
    return (now.c_lflag & ICANON) == 0;
}

static bool is_in(const char *path, const char *text)
{
    autofree char *all = NULL;
    struct error err;

    return file_read(path, 1 << 20, &all, NULL, &err) == 0 && strstr(all, text) != NULL;
}

/* A line that the guest answers, and Ctrl-O. */
static void use_client(const char *const *arguments)
{
    autofree char *output = xasprintf("%s/terminal", daemon_state());
    static const char ping[] = "{\"execute\":\"guest-ping\"}\n";
    int master;
    pid_t client = start_client(output, &master, arguments);

    for (unsigned looks = 0; !is_raw() || !is_in(output, "interface serial0\r\n"); looks++) {
        cr_assert_lt(looks, 3000, "the client does not begin");
        machine_sleep(20);
    }
    for (unsigned looks = 0; !is_in(output, "{\"return\":{}}\n"); looks++) {
        cr_assert_lt(looks, 200, "the guest does not answer");
        cr_assert_eq(write(master, ping, strlen(ping)), (ssize_t)strlen(ping));
        machine_sleep(500);
    }
    cr_assert_eq(write(master, "\x0f", 1), 1);
    cr_expect_eq(program_wait(client, PROGRAM_SECONDS), 0);
    cr_expect_not(is_raw(), "the terminal is not as before");
    close(master);
}

/* Through the local socket and, with a token, over TLS. */
DAEMON_TEST(qemu_terminal, is_shown_by_the_client_until_ctrl_o)
{
    autofree char *output = xasprintf("%s/terminal", daemon_state());
    const json_t *created = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *token = xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    autofree char *pin = xstrdup(text_of(row(get("/nodes", NULL), "node", NODE), "ssl_fingerprint"));
    int master;

    put(VM "/config", "serial0", "socket", NULL);
    console_start_vm();
    use_client((const char *const[]){NULL});
    use_client((const char *const[]){"--server", daemon_url(), "--token", token, "--fingerprint", pin, NULL});
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
    pid_t client = start_client(output, &master, (const char *const[]){NULL});
    cr_expect_eq(program_wait(client, PROGRAM_SECONDS), 1 << 8);
    cr_expect(is_in(output, "VM 100 not running\r\n"));
    cr_expect_not(is_raw());
}
