/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ISO images that clients upload: multipart/form-data that goes to the disk as it comes. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"

#define STORAGE "/nodes/" NODE "/storage/local"
#define CONTENT STORAGE "/content"
#define UPLOAD  STORAGE "/upload"
#define TYPE    "multipart/form-data; boundary=edge"
#define JOE     "joe@pve"
#define MIB     ((size_t)1 << 20)

static void start(void)
{
    if (geteuid() != 0)
        cr_skip_test("a broker is started by root");
    START(.host = "workstation");
}

TestSuite(store_upload, .init = start, .timeout = 240);

static void add_field(struct text *form, const char *name, const char *value)
{
    text_printf(form, "--edge\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name, value);
}

static void add_file(struct text *form, const char *part, const char *name, const char *data, size_t length)
{
    text_printf(form,
                "--edge\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n"
                "Content-Type: application/octet-stream\r\n\r\n",
                part, name);
    text_append_bytes(form, data, length);
    text_append(form, "\r\n--edge--\r\n");
}

static const struct reply *send(const struct text *form)
{
    return call(&(const struct call){
        .method = "POST", .path = UPLOAD, .body = form->data, .length = form->length, .content_type = TYPE});
}

static const struct reply *send_file(const char *name, const char *data, size_t length)
{
    autotext struct text form = {0};

    add_field(&form, "content", "iso");
    add_file(&form, "filename", name, data, length);
    return send(&form);
}

static const char *end_of(const struct reply *reply)
{
    cr_assert_eq(reply->status, 200, "%u %s", reply->status, reply->body);
    return vm_task_end(json_string_value(reply->data));
}

static unsigned count_uploads(void)
{
    autofree char *path = xasprintf("%s/upload", daemon_store());
    DIR *listing = opendir(path);
    unsigned count = 0;

    cr_assert_not_null(listing, "%s", path);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

/* A task removes its file when it has ended. */
static void nothing_is_left(void)
{
    for (unsigned i = 0; count_uploads() > 0; i++) {
        cr_assert_lt(i, 1200, "an upload is left");
        machine_sleep(50);
    }
}

DAEMON_TEST(store_upload, becomes_a_disc)
{
    const struct reply *reply = send_file("C:\\\\discs\\\\deb ian;13.iso", "a disc", 6);
    cr_expect_str_eq(end_of(reply), "OK");
    cr_expect(has_row(vm_task_log(json_string_value(reply->data)), "t", "finished file import successfully"));
    const json_t *disc = json_array_get(get(CONTENT, NULL), 0);
    cr_expect_str_eq(text_of(disc, "volid"), "local:iso/deb_ian_13.iso");
    cr_expect_eq(number_of(disc, "size"), 6);
    autofree char *path = xasprintf("%s/template/iso/deb_ian_13.iso", daemon_store());
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_uid, 0);
    cr_expect_eq(status.st_mode & 07777, 0644);
    cr_expect_str_eq(end_of(send_file("deb_ian_13.iso", "another", 7)), "OK");
    cr_expect_eq(number_of(json_array_get(get(CONTENT, NULL), 0), "size"), 7);
    nothing_is_left();
}

DAEMON_TEST(store_upload, of_any_size_does_not_go_through_memory)
{
    const size_t length = 64 * MIB;
    autofree char *data = xcalloc(1, length);
    autotext struct text form = {0};
    char sum[SHA256_HEX_SIZE];

    for (size_t i = 0; i < length; i += 61)
        data[i] = (char)i;
    hash_sha256(data, length, sum);
    add_field(&form, "content", "iso");
    add_field(&form, "checksum-algorithm", "sha256");
    add_field(&form, "checksum", sum);
    add_file(&form, "filename", "large.iso", data, length);
    long long before = daemon_peak_memory();
    cr_expect_str_eq(end_of(send(&form)), "OK");
    cr_expect_lt(daemon_peak_memory() - before, 16 * 1024, "the daemon has grown by %lld KiB",
                 daemon_peak_memory() - before);
    autofree char *path = xasprintf("%s/template/iso/large.iso", daemon_store());
    char found[HASH_HEX_SIZE];
    struct error err;
    cr_assert_eq(hash_file(path, "sha256", found, &err), 0, "%s", err.message);
    cr_expect_str_eq(found, sum);
}

static void is_refused(const struct text *form, const char *part)
{
    const struct reply *reply = call_unchecked(&(const struct call){
        .method = "POST", .path = UPLOAD, .body = form->data, .length = form->length, .content_type = TYPE});

    cr_expect_geq(reply->status, 400, "%s", reply->body);
    cr_expect_not_null(strstr(reply->body, part), "%s", reply->body);
}

DAEMON_TEST(store_upload, that_is_none_leaves_nothing)
{
    autotext struct text other = {0}, none = {0}, long_field = {0}, sum = {0}, cut = {0};
    autofree char *blanks = xcalloc(1, 4096);

    cr_expect_eq(send_file("a.exe", "x", 1)->status, 400);
    cr_expect_eq(send_file("..", "x", 1)->status, 400);
    cr_expect_eq(send_file("", "x", 1)->status, 400);
    cr_expect_eq(send_file(".iso", "x", 1)->status, 400);
    add_field(&other, "content", "iso");
    add_file(&other, "file", "a.iso", "x", 1);
    is_refused(&other, "in the part 'filename'");
    add_field(&none, "content", "iso");
    text_append(&none, "--edge--\r\n");
    is_refused(&none, "there is no file in the form");
    memset(blanks, 'x', 4095);
    add_field(&long_field, "content", blanks);
    add_file(&long_field, "filename", "a.iso", "x", 1);
    is_refused(&long_field, "is longer than 256 bytes");
    add_field(&cut, "content", "iso");
    text_append(&cut,
                "--edge\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"a.iso\"\r\n\r\nabc");
    is_refused(&cut, "is cut, or no form");
    add_field(&sum, "content", "iso");
    add_field(&sum, "checksum-algorithm", "md5");
    add_field(&sum, "checksum", "00000000000000000000000000000000");
    add_file(&sum, "filename", "a.iso", "x", 1);
    const struct reply *reply = send(&sum);
    cr_expect_str_eq(end_of(reply), "checksum mismatch: got '9dd4e461268c8034f5c8564e155c67a6' != expect "
                                    "'00000000000000000000000000000000'");
    nothing_is_left();
    is_json(get(CONTENT, NULL), "[]");
}

/* A head alone, so that nothing of the body can have been waited for. */
static void head_is_refused(const char *length, const char *header, unsigned status, const char *part)
{
    int fd = raw_connect_tcp();

    cr_assert(raw_print(fd,
                        "POST /api2/json" UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Type: " TYPE "\r\n"
                        "Content-Length: %s\r\n%s\r\n",
                        length, header));
    autofree char *reply = raw_read(fd, 30);
    close(fd);
    cr_expect_eq(raw_status(reply), status, "%s", reply);
    cr_expect_not_null(strstr(reply, part), "%s", reply);
}

DAEMON_TEST(store_upload, is_refused_before_its_body)
{
    account_create(JOE, NULL);
    account_grant("/storage/local", "PVEDatastoreUser", "users", JOE);
    const json_t *token = post("/access/users/root@pam/token/up", "privsep", "0", NULL);
    autofree char *of_root =
        xasprintf("Authorization: PVEAPIToken=root@pam!up=%s\r\n", text_of(token, "value"));
    token = post("/access/users/" JOE "/token/up", "privsep", "0", NULL);
    autofree char *of_joe =
        xasprintf("Authorization: PVEAPIToken=" JOE "!up=%s\r\n", text_of(token, "value"));
    head_is_refused("4294967296", "", 401, "No ticket");
    head_is_refused("4294967296", of_joe, 403, "Datastore.AllocateTemplate");
    head_is_refused("1152921504606846976", of_root, 500, "MiB left, which are too few");
    nothing_is_left();
}

DAEMON_TEST(store_upload, that_is_broken_off_or_left_by_a_crash_is_removed)
{
    autofree char *left = xasprintf("%s/upload/upload-00000000-0000-0000-0000-000000000000", daemon_store());
    int fd = raw_connect();

    cr_assert(raw_print(fd, "POST /api2/json" UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Type: " TYPE "\r\n"
                            "Content-Length: 1000000\r\n\r\n--edge\r\nContent-Disposition: form-data; "
                            "name=\"filename\"; filename=\"a.iso\"\r\n\r\nabc"));
    for (unsigned i = 0; count_uploads() == 0; i++) {
        cr_assert_lt(i, 1200, "the upload does not begin");
        machine_sleep(50);
    }
    close(fd);
    nothing_is_left();
    daemon_stop();
    cr_assert_eq(close(creat(left, 0600)), 0);
    daemon_start_again();
    cr_expect_eq(count_uploads(), 0);
}

static const struct reply *send_from(const char *origin)
{
    autotext struct text form = {0};

    add_field(&form, "content", "iso");
    add_file(&form, "filename", "page.iso", "x", 1);
    return call_unchecked(&(const struct call){.method = "POST",
                                               .path = UPLOAD,
                                               .body = form.data,
                                               .length = form.length,
                                               .content_type = TYPE,
                                               .header = origin});
}

/* As Proxmox VE's interface sends it, with a cookie alone. A page of another server must not. */
DAEMON_TEST(store_upload, needs_no_csrf_token_from_our_own_page)
{
    autofree char *own = xasprintf("Origin: %s", daemon_url());

    account_create(JOE, NULL);
    account_grant("/storage/local", "PVEDatastoreAdmin", "users", JOE);
    call_with_token("");
    const json_t *entered = post("/access/ticket", "username", JOE, "password", PASSWORD, NULL);
    call_with_ticket(text_of(entered, "ticket"), NULL);
    cr_expect_str_eq(end_of(send_from(NULL)), "OK");
    cr_expect_str_eq(end_of(send_from(own)), "OK");
    cr_expect_eq(send_from("Origin: http://elsewhere")->status, 401);
    cr_expect_eq(send_from("Origin: null")->status, 401);
    call_with_ticket(text_of(entered, "ticket"), "0:wrong");
    cr_expect_eq(send_from(own)->status, 401);
    call_with_ticket(text_of(entered, "ticket"), NULL);
    fails(401, "Permission denied - invalid csrf token", "DELETE", CONTENT "/local:iso/page.iso", NULL);
    nothing_is_left();
}

/* The form that says where its file is already is none. */
DAEMON_TEST(store_upload, is_no_file_of_another)
{
    wrong_parameter("filename", "send the file as multipart/form-data, in the part 'filename'", "POST",
                    UPLOAD, "content", "iso", "filename", "a.iso", NULL);
    fails(400, "Parameter verification failed.", "POST", UPLOAD, "content", "iso", "filename", "a.iso",
          "tmpfilename", "/etc/shadow", NULL);
}
