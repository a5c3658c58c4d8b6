/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling the service manager whether we are ready. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/notify.h"

/* Listens as systemd does; the name of an abstract socket begins with a NUL byte. */
static int listen_at(const char *name, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, name, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, size), 0);
    return fd;
}

static void expect(int fd, const char *state)
{
    char got[64] = "";

    cr_assert_eq(recv(fd, got, sizeof(got) - 1, 0), (ssize_t)strlen(state));
    cr_assert_str_eq(got, state);
}

Test(notify, reaches_a_socket_in_the_file_system)
{
    autofree char *folder = xstrdup("/tmp/hostpci-notify-XXXXXX");

    cr_assert_not_null(mkdtemp(folder));
    autofree char *path = xasprintf("%s/socket", folder);
    autoclose int fd = listen_at(path, strlen(path));
    setenv("NOTIFY_SOCKET", path, 1);
    notify_manager("READY=1");
    expect(fd, "READY=1");
    unlink(path);
    rmdir(folder);
}

Test(notify, reaches_an_abstract_socket)
{
    autofree char *name = xasprintf("@hostpci-notify-%d", (int)getpid());
    autofree char *bytes = xstrdup(name);

    bytes[0] = '\0';
    autoclose int fd = listen_at(bytes, strlen(name));
    setenv("NOTIFY_SOCKET", name, 1);
    notify_manager("STOPPING=1");
    expect(fd, "STOPPING=1");
}

/* No crash and no endless wait, whatever the variable holds. */
Test(notify, does_nothing_where_nobody_listens)
{
    static const char *const names[] = {"", "relative", "/nonexistent/socket", "@"};
    autofree char *longer = xcalloc(1, 4096);

    unsetenv("NOTIFY_SOCKET");
    notify_manager("READY=1");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        notify_manager("READY=1");
    }
    memset(longer, '/', 4095);
    setenv("NOTIFY_SOCKET", longer, 1);
    notify_manager("READY=1");
}
