/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes folders, files and links below one folder, the tree. */
#ifndef HOSTPCI_TESTS_HOSTS_TREE_H
#define HOSTPCI_TESTS_HOSTS_TREE_H

#include <stdbool.h>
#include <stddef.h>

/* Every path is relative to the tree's root and begins with no slash. Folders on the way are made. Nothing is
 * overwritten. Every failure ends the program with a message and status 1: half a host is of no use to a
 * test. */

/* Modes as sysfs gives them: an attribute to read, to read and write, to write. */
enum { MODE_READ = 0444, MODE_CHANGE = 0644, MODE_WRITE = 0200 };

struct path {
    char text[512];
};

struct path path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what went wrong on stderr and exits with status 1. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Makes DIR, with its parents, and writes below it from now on. */
void tree_open(const char *dir);

/* True if the folder was made now, false if it was there. */
bool tree_make_folder(const char *folder);

/* Descriptor of a folder, made if missing, for tree_put; the caller closes it. */
int tree_open_folder(const char *folder);

/* Writes one file; tree_put is the fast way for many files in one folder. */
void tree_put(int folder, const char *name, unsigned mode, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void tree_put_bytes(int folder, const char *name, unsigned mode, const void *bytes, size_t size);
void tree_write(const char *file, unsigned mode, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same on a host that is there already: other words in a file, or more at its end; both keep its mode,
 * and make the file (MODE_CHANGE) if it is missing. */
void tree_replace(const char *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tree_append(const char *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Seconds since 1970 as the time of the last change. */
void tree_set_time(const char *file, long long seconds);
void tree_set_mode(const char *file, unsigned mode);

/* From now on short files with the same words are one file with many names (until false is given): a tree of
 * a million files is made in half the time and takes a quarter of the space. For trees that are only read. */
void tree_share_files(bool share);

/* Makes the link AT, which leads to the path TO of the same tree by a relative way, as sysfs links do. */
void tree_link(const char *at, const char *to);

/* Makes a link with these very words, for links that lead nowhere. */
void tree_link_raw(const char *at, const char *words);

/* The path that a link of the tree leads to, itself without links. */
struct path tree_follow(const char *link);

/* Removes a file, a link or a whole folder; one that is not there is fine. */
void tree_remove(const char *what);

/* Calls VISIT with the name of each entry of a folder except . and .. */
void tree_each(const char *folder, void (*visit)(const char *folder, const char *name, const void *context),
               const void *context);

#endif
