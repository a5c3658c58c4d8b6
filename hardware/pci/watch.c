/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where snapshots come from: a cache that uevents renew, or a scan for each request. */
#include "hardware/pci/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/pci/events.h"

#define QUIET_MS               20  /* without an event ends a burst ... */
#define LONGEST_MS             250 /* ... and so does a burst that goes on for so long */

#define INITIAL_USER_NAMESPACE 0xeffffffdU /* PROC_USER_INIT_INO in include/linux/proc_ns.h */

struct inventory_source {
    const struct sysroot *sysroot;
    bool cached;
    int events; /* netlink socket; -1: none */
    int stop;   /* eventfd that ends the thread; -1: there is no thread */
    pthread_t thread;
    pthread_mutex_t lock; /* guards current */
    struct inventory *current;
};

/* The kernel sends PCI uevents only to the network namespaces that the initial user namespace owns: the
 * host's, and those of containers without a user namespace of their own. Source:
 * uevent_net_broadcast_untagged() and uevent_net_init() in lib/kobject_uevent.c of the Linux kernel. */
static bool events_reach_us(const struct sysroot *sysroot)
{
    struct stat owner;
    autoclose int network = openat(sysroot_fd(sysroot), PROC_NETWORK_NAMESPACE, O_RDONLY | O_CLOEXEC);
    autoclose int user = network < 0 ? -1 : ioctl(network, NS_GET_USERNS);

    return user >= 0 && fstat(user, &owner) == 0 && owner.st_ino == INITIAL_USER_NAMESPACE;
}

static void note_change(void *changed, const struct pci_event *event)
{
    (void)event;
    *(bool *)changed = true;
}

/* True if the snapshot may be out of date. */
static bool take_events(int fd)
{
    bool changed = false;
    bool lost = pci_events_take(fd, note_change, &changed);

    return changed || lost;
}

static bool is_same(const struct pci_device *a, const struct pci_device *b)
{
    return a->vendor == b->vendor && a->device == b->device && a->class_code == b->class_code &&
           a->subsystem_vendor == b->subsystem_vendor && a->subsystem_device == b->subsystem_device &&
           a->group == b->group && a->mdev == b->mdev && a->virtual_function == b->virtual_function &&
           strcmp(a->driver, b->driver) == 0;
}

static void publish(const struct pci_device *device, bool removed)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    event_publish("device", id, removed ? json_pack("{s:i}", "removed", 1) : NULL);
}

/* Both are sorted by address. */
static void publish_changes(const struct inventory *before, const struct inventory *now)
{
    const struct pci_device *a = before->devices, *a_end = a + before->count;
    const struct pci_device *b = now->devices, *b_end = b + now->count;

    while (a < a_end || b < b_end) {
        int order = a == a_end ? 1 : b == b_end ? -1 : pci_address_compare(a->address, b->address);
        if (order != 0 || !is_same(a, b))
            publish(order < 0 ? a : b, order < 0);
        a += order <= 0;
        b += order >= 0;
    }
}

/* Two scans may run at once, the thread's and a refresh. The one that began later wins. */
static void adopt(struct inventory_source *source, struct inventory *inventory)
{
    struct inventory *old = inventory;

    pthread_mutex_lock(&source->lock);
    if (source->current == NULL || source->current->generation < inventory->generation) {
        old = source->current;
        source->current = inventory;
        if (old != NULL)
            publish_changes(old, inventory);
    }
    pthread_mutex_unlock(&source->lock);
    inventory_release(old);
}

static int rescan(struct inventory_source *source, struct error *err)
{
    struct inventory *inventory;

    if (inventory_scan(source->sysroot, &inventory, err) != 0)
        return -1;
    adopt(source, inventory);
    return 0;
}

/* If a scan fails, perhaps because there are no descriptors left, it is tried again after the next pause. */
static void *follow_events(void *data)
{
    struct inventory_source *source = data;
    struct pollfd waits[] = {{.fd = source->stop, .events = POLLIN},
                             {.fd = source->events, .events = POLLIN}};
    long long due_since = 0; /* 0: no event has arrived since the last scan */
    struct error err;

    for (;;) {
        int count = poll(waits, COUNT_OF(waits), due_since != 0 ? QUIET_MS : -1);
        if (count > 0 && waits[0].revents != 0)
            return NULL;
        if (count > 0 && take_events(source->events) && due_since == 0)
            due_since = clock_milliseconds();
        bool calm = count == 0 || (due_since != 0 && clock_milliseconds() - due_since >= LONGEST_MS);
        if (calm && due_since != 0 && rescan(source, &err) == 0)
            due_since = 0;
    }
}

/* The thread blocks all signals, which the main thread handles. */
static int start_thread(struct inventory_source *source, struct error *err)
{
    sigset_t all, before;

    source->stop = eventfd(0, EFD_CLOEXEC);
    if (source->stop < 0)
        return error_set_errno(err, errno, "cannot follow changes of the hardware");
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int reason = pthread_create(&source->thread, NULL, follow_events, source);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (reason == 0)
        return 0;
    close(source->stop);
    source->stop = -1;
    return error_set_errno(err, reason, "cannot start the thread that follows changes of the hardware");
}

static int choose(struct inventory_source *source, enum inventory_mode mode, struct error *err)
{
    if (mode != INVENTORY_FRESH && sysroot_is_host(source->sysroot))
        source->events = pci_events_open();
    bool reached = source->events >= 0 && events_reach_us(source->sysroot);
    source->cached = mode == INVENTORY_CACHED || (mode == INVENTORY_AUTO && reached);
    if (mode == INVENTORY_CACHED && sysroot_is_host(source->sysroot) && source->events < 0)
        return error_set_errno(err, -source->events,
                               "cannot receive the kernel's device events, so --inventory must be fresh");
    return 0;
}

int inventory_source_open(const struct sysroot *sysroot, enum inventory_mode mode,
                          struct inventory_source **ret, struct error *err)
{
    struct inventory_source *source = xcalloc(1, sizeof(*source));

    *source = (struct inventory_source){.sysroot = sysroot, .events = -1, .stop = -1};
    pthread_mutex_init(&source->lock, NULL);
    /* the socket is opened before the first scan, so that no later change is missed */
    if (choose(source, mode, err) != 0 || (source->cached && rescan(source, err) != 0) ||
        (source->cached && source->events >= 0 && start_thread(source, err) != 0)) {
        inventory_source_close(source);
        return -1;
    }
    *ret = source;
    return 0;
}

void inventory_source_close(struct inventory_source *source)
{
    uint64_t one = 1;

    if (source == NULL)
        return;
    if (source->stop >= 0) {
        while (write(source->stop, &one, sizeof(one)) < 0 && errno == EINTR)
            continue;
        pthread_join(source->thread, NULL);
        close(source->stop);
    }
    if (source->events >= 0)
        close(source->events);
    inventory_release(source->current);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

int inventory_source_get(struct inventory_source *source, struct inventory **ret, struct error *err)
{
    if (!source->cached)
        return inventory_scan(source->sysroot, ret, err);
    pthread_mutex_lock(&source->lock);
    *ret = inventory_retain(source->current);
    pthread_mutex_unlock(&source->lock);
    return 0;
}

bool inventory_source_generation(struct inventory_source *source, uint64_t *ret)
{
    if (!source->cached)
        return false;
    pthread_mutex_lock(&source->lock);
    *ret = source->current->generation;
    pthread_mutex_unlock(&source->lock);
    return true;
}

int inventory_source_refresh(struct inventory_source *source, struct error *err)
{
    if (source->cached)
        return rescan(source, err);
    event_publish("device", NULL, NULL);
    return 0;
}
