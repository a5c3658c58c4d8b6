/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hands of the lab's machine. */
#include "tests/api/lab/plug.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/lab/machine.h"

#define SECONDS 20

/* The machine's monitor. Events come between the replies. */
static struct {
    int fd; /* 0: not open */
    char line[65536];
    size_t length;
} monitor;

static void open_monitor(void)
{
    DIR *ports = opendir("/sys/class/virtio-ports");
    const struct dirent *entry = NULL;
    char path[300] = "";

    while (ports != NULL && (entry = readdir(ports)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
    if (ports != NULL)
        closedir(ports);
    monitor.fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_neq(monitor.fd, -1, "the monitor's port '%s': %s", path, strerror(errno));
}

/* The next message, which the caller frees. */
static json_t *receive(void)
{
    unsigned silent = 0; /* seconds; on a busy machine each takes longer */
    json_t *message = NULL;

    while (message == NULL) {
        char *newline = memchr(monitor.line, '\n', monitor.length);
        struct pollfd ready = {.fd = monitor.fd, .events = POLLIN};
        if (newline != NULL) {
            message = json_loadb(monitor.line, (size_t)(newline - monitor.line), 0, NULL);
            cr_assert_not_null(message, "the monitor says no JSON");
            monitor.length -= (size_t)(newline + 1 - monitor.line);
            memmove(monitor.line, newline + 1, monitor.length);
        } else if (poll(&ready, 1, 1000) == 1) {
            ssize_t got =
                read(monitor.fd, monitor.line + monitor.length, sizeof(monitor.line) - monitor.length);
            cr_assert_gt(got, 0, "the monitor's port: %s", strerror(errno));
            monitor.length += (size_t)got;
            silent = 0;
        } else {
            silent++;
        }
        cr_assert_lt(silent, SECONDS, "the monitor says nothing");
    }
    return message;
}

/* NULL if it succeeded, else the error's text, which the caller frees. Takes `arguments`. The monitor is the
 * same for all tests, each of which is a process of its own: replies to an earlier one are passed over. */
static char *execute(const char *command, json_t *arguments)
{
    static unsigned count;
    autofree char *id = xasprintf("%d-%u", (int)getpid(), count++);
    autojson json_t *request =
        json_pack("{s:s, s:s, s:o*}", "execute", command, "id", id, "arguments", arguments);
    autofree char *text = json_dumps(request, JSON_COMPACT);
    autofree char *line = xasprintf("%s\n", text);

    cr_assert_eq(write(monitor.fd, line, strlen(line)), (ssize_t)strlen(line));
    for (;;) {
        autojson json_t *reply = receive();
        const char *of = json_string_value(json_object_get(reply, "id")), *message = NULL;
        if (of == NULL || strcmp(of, id) != 0)
            continue;
        return json_unpack(reply, "{s:{s:s}}", "error", "desc", &message) == 0 ? xstrdup(message) : NULL;
    }
}

static void must(const char *command, json_t *arguments)
{
    autofree char *error = NULL;

    if (monitor.fd == 0) {
        open_monitor();
        free(execute("qmp_capabilities", NULL)); /* refused after the first time */
    }
    error = execute(command, arguments);
    cr_assert_null(error, "%s: %s", command, error);
}

static void id_of(unsigned slot, char id[static 16])
{
    snprintf(id, 16, "0000:%02x:00.0", slot);
}

void plug_in(unsigned slot)
{
    autofree char *card = xasprintf("card%u", slot), *port = xasprintf("port%u", slot);
    autofree char *mac = xasprintf("52:54:00:00:00:%02x", slot);
    char id[16];

    must("device_add",
         json_pack("{s:s, s:s, s:s, s:s}", "driver", "e1000e", "id", card, "bus", port, "mac", mac));
    id_of(slot, id);
    machine_wait(id, true);
}

void plug_press_button(unsigned slot)
{
    autofree char *card = xasprintf("card%u", slot);

    must("device_del", json_pack("{s:s}", "id", card));
}

/* PCI Express Base Specification, 7.5.3: the slot control register in the PCI Express capability (10h). */
#define CAPABILITIES       0x34
#define CAPABILITY_EXPRESS 0x10
#define SLOT_CONTROL       0x18
#define HOTPLUG_INTERRUPT  0x0020
#define INDICATOR_OFF      0x0300
#define POWER_OFF          0x0400

static unsigned find_slot_control(int fd)
{
    uint8_t at = 0, next[2] = {0};

    cr_assert_eq(pread(fd, &at, 1, CAPABILITIES), 1);
    while (at != 0 && pread(fd, next, 2, at) == 2 && next[0] != CAPABILITY_EXPRESS)
        at = next[1];
    cr_assert_neq(at, 0, "no PCI Express capability");
    return at + SLOT_CONTROL;
}

/* QEMU takes a card out of a slot without power at once. The kernel does not hear of that, as the slot's
 * interrupt is off meanwhile; afterwards the power is on again, and the interrupt says that no card is there.
 */
void plug_tear_out(unsigned slot)
{
    autofree char *path = xasprintf("/sys/bus/pci/devices/0000:00:%02x.0/config", slot + 1);
    autoclose int fd = open(path, O_RDWR | O_CLOEXEC);
    uint16_t control, off;

    cr_assert_neq(fd, -1, "%s", path);
    unsigned at = find_slot_control(fd);
    cr_assert_eq(pread(fd, &control, sizeof(control), (off_t)at), sizeof(control));
    off = (uint16_t)((control & ~HOTPLUG_INTERRUPT) | INDICATOR_OFF | POWER_OFF);
    cr_assert_eq(pwrite(fd, &off, sizeof(off), (off_t)at), sizeof(off));
    cr_assert_eq(pwrite(fd, &control, sizeof(control), (off_t)at), sizeof(control));
}
