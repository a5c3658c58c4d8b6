/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that comes in the body of a request. */
#include "server/request/upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

#define PREFIX      "upload-"
#define FIELD_LIMIT 256 /* bytes of a field */
#define FIELDS      16
#define NAME_LIMIT  255
#define FILE_FIELD  "filename"
#define LETTERS     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

struct upload {
    int folder, file;
    char name[sizeof(PREFIX) + UUID_SIZE];
    json_t *fields; /* {NAME: VALUE} */
    bool has_file;
    bool failed;
    struct error why;
};

int upload_begin(const char *store, struct upload **ret, struct error *err)
{
    autofree char *path = xasprintf("%s/" UPLOAD_FOLDER, store);
    struct upload *upload = xcalloc(1, sizeof(*upload));
    char uuid[UUID_SIZE];

    uuid_make(uuid);
    snprintf(upload->name, sizeof(upload->name), PREFIX "%s", uuid);
    upload->folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    upload->file = upload->folder >= 0
                       ? openat(upload->folder, upload->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
                       : -1;
    if (upload->file < 0) {
        error_set(
            err, ERROR_FAILED,
            "the daemon cannot write to '%s': %s. The broker makes the folder when root starts it; under "
            "systemd it is in hostpci.tmpfiles",
            path, strerror(errno));
        if (upload->folder >= 0)
            close(upload->folder);
        free(upload);
        return -1;
    }
    upload->fields = json_object();
    *ret = upload;
    return 0;
}

static void fail(struct upload *upload, const struct error *why)
{
    if (!upload->failed)
        upload->why = *why;
    upload->failed = true;
}

/* A field comes in one piece or a few. */
static void add_field(struct upload *upload, const char *name, const char *data, size_t length)
{
    const json_t *before = json_object_get(upload->fields, name);
    const char *text = before != NULL ? json_string_value(before) : "";
    struct error err;

    if (strlen(text) + length > FIELD_LIMIT || json_object_size(upload->fields) > FIELDS ||
        strlen(name) > FIELD_LIMIT) {
        error_set(&err, ERROR_TOO_LARGE,
                  "a field of the form is longer than %d bytes, or there are more than %d", FIELD_LIMIT,
                  FIELDS);
        fail(upload, &err);
        return;
    }
    autofree char *whole = xasprintf("%s%.*s", text, (int)length, data);
    json_t *value = json_string(whole);
    if (value == NULL) {
        error_set_field(&err, "content", "a field of the form is no UTF-8");
        fail(upload, &err);
        return;
    }
    json_object_set_new(upload->fields, name, value);
}

static void begin_file(struct upload *upload, const char *filename)
{
    const char *slash = strrchr(filename, '/'), *backslash = strrchr(filename, '\\');
    const char *last = slash > backslash ? slash : backslash;
    autofree char *plain = xstrndup(last != NULL ? last + 1 : filename, NAME_LIMIT);

    for (char *letter = plain; *letter != '\0'; letter++)
        if (strchr(LETTERS, *letter) == NULL)
            *letter = '_';
    json_object_set_new(upload->fields, FILE_FIELD, json_string(plain));
    upload->has_file = true;
}

static void write_all(struct upload *upload, const char *data, size_t length)
{
    struct error err;

    while (length > 0) {
        ssize_t count = TEMP_FAILURE_RETRY(write(upload->file, data, length));
        if (count < 0) {
            error_set_errno(&err, errno, "the file cannot be written to the storage");
            fail(upload, &err);
            return;
        }
        data += count;
        length -= (size_t)count;
    }
}

void upload_add(struct upload *upload, const char *name, const char *filename, const char *data,
                unsigned long long offset, size_t length)
{
    struct error err;

    if (upload->failed)
        return;
    if (filename == NULL) {
        add_field(upload, name, data, length);
        return;
    }
    if (strcmp(name, FILE_FIELD) != 0 || (offset == 0 && upload->has_file)) {
        error_set_field(&err, FILE_FIELD, "there is one file in the form, in the part '" FILE_FIELD "'");
        fail(upload, &err);
        return;
    }
    if (offset == 0)
        begin_file(upload, filename);
    write_all(upload, data, length);
}

int upload_finish(struct upload *upload, json_t *params, struct error *err)
{
    if (!upload->failed && !upload->has_file)
        error_set_field(&upload->why, FILE_FIELD,
                        "there is no file in the form, in the part '" FILE_FIELD "'");
    if (upload->failed || !upload->has_file) {
        *err = upload->why;
        return -1;
    }
    json_object_update(params, upload->fields);
    return 0;
}

const char *upload_name(const struct upload *upload)
{
    return upload->name;
}

void upload_free(struct upload *upload, bool taken)
{
    if (upload == NULL)
        return;
    if (!taken)
        unlinkat(upload->folder, upload->name, 0);
    close(upload->file);
    close(upload->folder);
    json_decref(upload->fields);
    free(upload);
}

void upload_sweep(const char *store)
{
    autofree char *path = xasprintf("%s/" UPLOAD_FOLDER, store);
    DIR *listing = opendir(path);

    for (const struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;)
        if (text_starts_with(entry->d_name, PREFIX))
            unlinkat(dirfd(listing), entry->d_name, 0);
    if (listing != NULL)
        closedir(listing);
}
