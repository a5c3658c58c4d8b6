/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of vendors, devices and subsystems, looked up by libpci. */
#include "hardware/pci/names.h"

#include <pci/pci.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#define LOOKUP_FLAGS (PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB)
#define LONGEST_LINE 1024 /* of pci.ids, in libpci */

struct names {
    _Atomic long long checked_at; /* on the monotonic clock, in units of NAMES_CHECK_MS */
    _Atomic uint64_t generation;
    pthread_mutex_t lock; /* guards all below */
    char *path;
    struct stat seen;        /* the file that was loaded, or could not be */
    struct pci_access *list; /* NULL if no file has been loaded */
};

/* libpci calls error() for a malformed file, and ends the process if that returns. */
static _Thread_local jmp_buf way_out;

__attribute__((noreturn)) static void leave_libpci(char *message, ...)
{
    (void)message;
    longjmp(way_out, 1);
}

static void say_nothing(char *message, ...)
{
    (void)message;
}

/* pci_init() would set the three callbacks, but also look for a way to access the hardware, and end the
 * process if it found none. */
static struct pci_access *make_list(const char *path)
{
    struct pci_access *list = pci_alloc();

    list->error = leave_libpci;
    list->warning = list->debug = say_nothing;
    list->id_lookup_mode = PCI_LOOKUP_NO_HWDB; /* nor DNS and its cache file */
    if (path != NULL)
        pci_set_name_list_path(list, xstrdup(path), 1);
    return list;
}

/* NULL if the file is absent or malformed. */
static struct pci_access *load_list(const char *path)
{
    struct pci_access *volatile list = make_list(path);

    if (setjmp(way_out) == 0 && pci_load_name_list(list))
        return list;
    pci_cleanup(list);
    return NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void reload_if_changed(struct names *names)
{
    struct stat now = {0};

    if (stat(names->path, &now) != 0)
        now = (struct stat){0};
    if (same_file(&now, &names->seen))
        return;
    names->seen = now;
    struct pci_access *list = load_list(names->path);
    if (list == NULL)
        return;
    if (names->list != NULL)
        pci_cleanup(names->list);
    names->list = list;
    names->generation++;
}

/* libpci knows where the distribution has the file. Debian's may name the compressed one, which need not
 * exist. */
static char *find_file(const struct sysroot *sysroot)
{
    if (sysfs_exists(sysroot_fd(sysroot), "usr/share/misc/pci.ids"))
        return sysroot_join(sysroot, "usr/share/misc/pci.ids");
    struct pci_access *list = make_list(NULL);
    char *path = xstrdup(list->id_file_name);
    pci_cleanup(list);
    if (text_ends_with(path, ".gz") && access(path, R_OK) != 0)
        path[strlen(path) - strlen(".gz")] = '\0';
    return path;
}

int names_open(const struct sysroot *sysroot, struct names **ret, struct error *err)
{
    (void)err;
    struct names *names = xcalloc(1, sizeof(*names));

    pthread_mutex_init(&names->lock, NULL);
    names->path = find_file(sysroot);
    reload_if_changed(names);
    *ret = names;
    return 0;
}

void names_close(struct names *names)
{
    if (names == NULL)
        return;
    if (names->list != NULL)
        pci_cleanup(names->list);
    pthread_mutex_destroy(&names->lock);
    free(names->path);
    free(names);
}

/* The file may hold any bytes, but a reply only UTF-8. */
static void copy_name(const char *found, char name[static NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s", found != NULL ? found : "");
    autojson json_t *valid = json_string(name);
    for (char *byte = name; valid == NULL && *byte != '\0'; byte++)
        if ((unsigned char)*byte >= 0x80)
            *byte = '?';
}

/* A function of its own, because after longjmp() the changed locals of setjmp()'s function are lost. */
static void look_up_all(struct pci_access *list, const struct pci_device *device, struct pci_names *ret)
{
    char buffer[LONGEST_LINE];
    int vendor = device->subsystem_vendor, id = device->subsystem_device;

    if (setjmp(way_out) != 0)
        return;
    copy_name(pci_lookup_name(list, buffer, sizeof(buffer), LOOKUP_FLAGS | PCI_LOOKUP_VENDOR, device->vendor),
              ret->vendor);
    copy_name(pci_lookup_name(list, buffer, sizeof(buffer), LOOKUP_FLAGS | PCI_LOOKUP_DEVICE, device->vendor,
                              device->device),
              ret->device);
    if (vendor == 0 && id == 0)
        return;
    copy_name(pci_lookup_name(list, buffer, sizeof(buffer),
                              LOOKUP_FLAGS | PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_VENDOR, vendor),
              ret->subsystem_vendor);
    copy_name(pci_lookup_name(list, buffer, sizeof(buffer),
                              LOOKUP_FLAGS | PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE, device->vendor,
                              device->device, vendor, id),
              ret->subsystem_device);
}

/* Thousands of lookups in a row need not look at the file each time. */
static bool is_check_due(struct names *names)
{
    long long tick = clock_milliseconds() / NAMES_CHECK_MS;

    return atomic_exchange(&names->checked_at, tick) != tick;
}

void names_look_up(struct names *names, const struct pci_device *device, struct pci_names *ret)
{
    bool due = is_check_due(names);

    *ret = (struct pci_names){0};
    pthread_mutex_lock(&names->lock);
    if (due)
        reload_if_changed(names);
    if (names->list != NULL)
        look_up_all(names->list, device, ret);
    pthread_mutex_unlock(&names->lock);
}

uint64_t names_generation(struct names *names)
{
    if (is_check_due(names)) {
        pthread_mutex_lock(&names->lock);
        reload_if_changed(names);
        pthread_mutex_unlock(&names->lock);
    }
    return names->generation;
}
