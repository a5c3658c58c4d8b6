/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests that need a host: a folder that looks like one, made by hand or by tests/hosts. */
#ifndef HOSTPCI_TESTS_UNIT_HARDWARE_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_HARDWARE_FIXTURE_H

#include <jansson.h>

#include "hardware/pci/inventory.h"
#include "hardware/sysfs.h"

struct tree {
    char path[128]; /* below $TMPDIR, default /tmp */
    struct sysroot *sysroot;
};

/* An empty folder. */
void tree_make(struct tree *tree);

/* One of the hosts of make-host, which the environment variable HOSTPCI_MAKE_HOST names. */
void tree_make_host(struct tree *tree, const char *name);

/* Takes a function out of such a host: make-host --unplug. */
void tree_unplug(const struct tree *tree, const char *id);

void tree_remove(struct tree *tree); /* the folder and all in it */
#define autotree __attribute__((cleanup(tree_remove)))

/* Files and links below the folder. The folders above them are made, and what exists is replaced. */
void tree_write(const struct tree *tree, const char *file, const char *text);
void tree_write_bytes(const struct tree *tree, const char *file, const void *bytes, size_t size);
void tree_link(const struct tree *tree, const char *at, const char *target);
void tree_delete(const struct tree *tree, const char *file);

/* A function with nothing but its uevent: driver (NULL: none), class and ids, as the kernel writes them. */
void tree_add_function(const struct tree *tree, const char *id, const char *driver, const char *class_code,
                       const char *ids, const char *subsystem);

/* What a scan finds; failing ends the test. The caller releases it. */
struct inventory *tree_scan(const struct tree *tree);

struct pci_address address_of(const char *id);

/* The function with that id; NULL if it is not in the inventory. */
const struct pci_device *device_of(const struct inventory *inventory, const char *id);

/* Fails the test unless the value is the JSON in text (with ' for "); drops it. */
void expect_json(json_t *value, const char *text);

/* The same for one member, which is not dropped; NULL for text: the member must be absent. */
void expect_member(const json_t *object, const char *key, const char *text);

#endif
