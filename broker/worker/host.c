/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing files of the host. */
#include "broker/worker/host.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/worker/undo.h"
#include "broker/worker/unit.h"
#include "hardware/settings/modprobe.h"

#define FILE_MODE 0644

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

void host_add_file(json_t *files, const char *file, const char *before, const char *after)
{
    json_array_append_new(files, json_pack("{s:s, s:o, s:o}", "file", file, "before", text_or_null(before),
                                           "after", text_or_null(after)));
}

static bool is_text(const char *text, const json_t *other)
{
    const char *value = json_string_value(other);

    return text == NULL ? value == NULL : value != NULL && strcmp(text, value) == 0;
}

/* NULL for the text: no file. */
static int write_file(struct worker *worker, const char *file, const char *text, struct error *err)
{
    int folder = sysroot_fd(worker->sysroot);
    autofree char *step = xasprintf("%s /%s", text != NULL ? "write" : "remove", file);

    if (worker_step(worker, WORKER_HOST, step, err) != 0)
        return -1;
    int result = text != NULL ? sysfs_replace(folder, file, text, FILE_MODE) : sysfs_remove(folder, file);
    if (text != NULL && (result == -EROFS || result == -EBUSY)) /* the file alone may be written to */
        result = sysfs_overwrite(folder, file, text);
    if (result == -ELOOP)
        return error_set(err, ERROR_FAILED, "'/%s' is a link and no file: change what it leads to by hand",
                         file);
    if (result == -EROFS)
        return error_set(err, ERROR_FAILED,
                         "cannot %s: the broker may write only to what was there when it started: restart "
                         "it (systemctl restart hostpci-broker), and try again",
                         step);
    if (result != 0)
        return error_set_errno(err, -result, "cannot %s", step);
    worker_log(worker, "%s", step);
    return 0;
}

static int write_all(struct worker *worker, const json_t *files, struct error *err)
{
    size_t i;
    const json_t *row;

    json_array_foreach(files, i, row)
        if (write_file(worker, json_text(row, "file"), json_string_value(json_object_get(row, "after")),
                       err) != 0)
            return -1;
    return 0;
}

/* "/boot/vmlinuz-linux" and what dpkg and make install put aside ("….old") are no releases. */
static bool is_release(const struct worker *worker, const char *name)
{
    autofree char *modules = xasprintf("lib/modules/%s", name);

    return sysfs_exists(sysroot_fd(worker->sysroot), modules);
}

/* The releases of the kernels in /boot, one after the other. */
static int install_kernels(struct worker *worker, struct error *err)
{
    static const char start[] = "vmlinuz-";
    autolist char **names = NULL;
    int count = sysfs_list(sysroot_fd(worker->sysroot), "boot", &names);

    if (count < 0)
        return error_set_errno(err, -count, "cannot list the kernels in '/boot'");
    for (char **name = names; *name != NULL; name++)
        if (strncmp(*name, start, strlen(start)) == 0 && is_release(worker, *name + strlen(start)) &&
            unit_run(worker, WORKER_HOST, PROGRAM_KERNEL_INSTALL, *name + strlen(start), err) != 0)
            return -1;
    return 0;
}

static int run_programs(struct worker *worker, unsigned programs, struct error *err)
{
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if ((programs & 1U << i) == 0)
            continue;
        if ((i == PROGRAM_KERNEL_INSTALL ? install_kernels(worker, err)
                                         : unit_run(worker, WORKER_HOST, (enum program)i, NULL, err)) != 0)
            return -1;
    }
    return 0;
}

/* `ran`: programs that may have run by the time somebody reads it. */
static json_t *pack_claims(const json_t *files, unsigned ran)
{
    return json_pack("[{s:s, s:O, s:i}]", "id", WORKER_HOST, "files", files, "programs", (int)ran);
}

static int claim(struct worker *worker, const json_t *files, unsigned ran, struct error *err)
{
    autojson json_t *claims = pack_claims(files, ran);

    return worker_claim(worker, claims, err);
}

int host_change(struct worker *worker, const json_t *files, unsigned programs, struct error *err)
{
    unsigned ran = 0;

    if (claim(worker, files, 0, err) != 0) {
        worker_release(worker, WORKER_HOST);
        return -1;
    }
    int result = write_all(worker, files, err);
    if (result == 0 && programs != 0) {
        ran = json_array_size(files) > 0 ? programs : 0;
        result = claim(worker, files, ran, err);
    }
    if (result == 0)
        result = run_programs(worker, programs, err);
    if (result == 0) {
        worker_release(worker, WORKER_HOST);
        return 0;
    }
    autojson json_t *claims = pack_claims(files, ran);
    autotext struct text where = {0};
    struct error reason = *err;
    worker->undoing = true;
    worker_log(worker, "the operation is undone, because it failed: %s", reason.message);
    undo_claims(worker, claims, &where);
    return error_set(err, reason.kind, "%s; %s", reason.message, text_string(&where));
}

int host_replace_files(struct worker *worker, const json_t *files, json_t *claims, struct error *err)
{
    autojson json_t *own = pack_claims(files, 0);

    if (worker_claim(worker, own, err) != 0)
        return -1;
    json_array_extend(claims, own);
    return write_all(worker, files, err);
}

/* 1: it was put back; 0: nothing had to be; -1: it cannot be. */
static int undo_file(struct worker *worker, const json_t *row, struct text *where)
{
    const char *file = json_text(row, "file"), *before = json_string_value(json_object_get(row, "before"));
    autofree char *now = NULL, *draft = xasprintf("%s" SYSFS_NEW, file);
    struct error err;

    sysfs_remove(sysroot_fd(worker->sysroot), draft);
    if (modprobe_read_file(worker->sysroot, file, &now, &err) != 0) {
        text_printf(where, "cannot put '/%s' back (%s), ", file, err.message);
        return -1;
    }
    if (is_text(now, json_object_get(row, "before")))
        return 0;
    if (!is_text(now, json_object_get(row, "after"))) {
        worker_log(worker, "somebody else has changed /%s in the meantime: it is left as it is", file);
        text_printf(where, "'/%s' is as somebody else left it, ", file);
        return 0;
    }
    if (write_file(worker, file, before, &err) == 0)
        return 1;
    text_printf(where, "'/%s' has the new text (%s), ", file, err.message);
    return -1;
}

int host_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    const json_t *files = json_object_get(claim, "files");
    unsigned ran = (unsigned)json_integer_value(json_object_get(claim, "programs"));
    bool moved = false, left = false;
    struct error err;

    for (size_t i = json_array_size(files); i-- > 0;) {
        int result = undo_file(worker, json_array_get(files, i), where);
        moved |= result > 0;
        left |= result < 0;
    }
    if (ran != 0 && run_programs(worker, ran, &err) != 0) {
        worker_log(worker, "%s: run it by hand before the next boot", err.message);
        text_printf(where, "what was made of its files may be old (%s), ", err.message);
    }
    if (left) {
        text_append(where, "is left half-way");
        return -1;
    }
    worker_release(worker, WORKER_HOST);
    text_append(where, moved ? "has the files that it had" : "was not changed");
    return 0;
}
