/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes folders, files and links below one folder, the tree. */
#ifndef HOSTPCI_TESTS_HOSTS_TREE_H
#define HOSTPCI_TESTS_HOSTS_TREE_H

#include <stdbool.h>
#include <stddef.h>

/* Every path is relative to the tree's root and has no slash in front. The folders above it are made. Nothing
 * is overwritten. A failure ends the program with a message and status 1, since half a host is of no use to a
 * test. */

/* The modes of sysfs for an attribute that can be read, read and written, or written. */
enum { MODE_READ = 0444, MODE_CHANGE = 0644, MODE_WRITE = 0200 };

struct path {
    char text[512];
};

struct path path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes what went wrong to stderr and exits with status 1. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Makes DIR, with its parents, and writes below it from now on. */
void tree_open(const char *dir);

/* True if the folder was made now, false if it existed. */
bool tree_make_folder(const char *folder);

/* A descriptor of a folder, which is made if missing, for tree_put; the caller closes it. */
int tree_open_folder(const char *folder);

/* Writes one file; tree_put is the fast way for many files in one folder. */
void tree_put(int folder, const char *name, unsigned mode, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void tree_put_bytes(int folder, const char *name, unsigned mode, const void *bytes, size_t size);
void tree_write(const char *file, unsigned mode, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For a host that has been written: other content for a file, or more at its end. Both keep the file's mode,
 * and make the file with MODE_CHANGE if it is missing. */
void tree_replace(const char *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tree_append(const char *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the time of the last change, in seconds since 1970. */
void tree_set_time(const char *file, long long seconds);
void tree_set_mode(const char *file, unsigned mode);

/* From now on, until it is called with false, short files with the same content are one file with many names.
 * A tree of a million files then takes half the time to make and a quarter of the space. Only for trees that
 * nobody changes. */
void tree_share_files(bool share);

/* Makes a relative link AT to the path TO of the same tree, as sysfs has them. */
void tree_link(const char *at, const char *to);

/* Makes a link with exactly this target, for links that lead nowhere. */
void tree_link_raw(const char *at, const char *words);

/* The path in the tree that a link leads to, without links in it. */
struct path tree_follow(const char *link);

/* Removes a file, a link or a whole folder, if it exists. */
void tree_remove(const char *what);

/* Calls VISIT with the name of each entry of a folder except . and .. */
void tree_each(const char *folder, void (*visit)(const char *folder, const char *name, const void *context),
               const void *context);

#endif
