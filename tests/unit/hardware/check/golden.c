/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of the golden host and of its variants, each of which is wrong in one thing
 * (tests/hosts/golden.h).
 *
 * tests/golden/VARIANT.json has what an admin is to be told: `host` and `device`, how severe checks are that
 * on the golden host are otherwise; `verdict` and `summary` of the device `id`, the graphics card when left
 * out; and the finding `meant`, word by word. `uses` has what the host does with the device. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/check/check.h"
#include "hardware/check/report.h"
#include "schema/format.h"
#include "tests/unit/action.h"
#include "tests/unit/hardware/check/variant.h"
#include "tests/unit/hardware/fixture.h"

#define GPU    "0000:01:00.0"
#define NOBODY 65534

/* What is said of a host and one of its devices. */
struct said {
    json_t *host, *device;
};

static void said_release(struct said *said)
{
    json_decref(said->host);
    json_decref(said->device);
}
#define autosaid __attribute__((cleanup(said_release)))

static void ask(const struct tree *tree, const char *id, struct said *ret)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    autohostuses struct host_uses *uses = NULL;
    struct error err;

    cr_assert_eq(host_uses_scan(tree->sysroot, inventory, &uses, &err), 0, "%s", err.message);
    cr_assert_eq(readiness_describe_host(tree->sysroot, inventory, &ret->host, &err), 0, "%s", err.message);
    cr_assert_eq(
        readiness_describe_device(tree->sysroot, inventory, uses, address_of(id), NULL, &ret->device, &err),
        0, "%s", err.message);
}

static const json_t *find_row(const json_t *list, const char *id)
{
    size_t i;
    json_t *row;

    json_array_foreach(list, i, row)
        if (strcmp(json_string_value(json_object_get(row, "id")), id) == 0)
            return row;
    return NULL;
}

static enum check_scope scope_of(const char *id)
{
    const struct check *check = check_find(id);

    cr_assert_not_null(check, "'%s' is no check", id);
    return check->scope;
}

/* {ID: SEVERITY} of the checks of that scope. */
static json_t *severities(const json_t *object, enum check_scope scope)
{
    json_t *result = json_object(), *row;
    size_t i;

    json_array_foreach(json_object_get(object, "checks"), i, row) {
        const char *id = json_string_value(json_object_get(row, "id"));
        if (scope_of(id) == scope && json_object_get(result, id) == NULL) /* the worst is the first */
            json_object_set(result, id, json_object_get(row, "severity"));
    }
    return result;
}

static void add_change(json_t *result, const char *id, const json_t *now, const json_t *before)
{
    const json_t *severity = json_object_get(now, id), *was = json_object_get(before, id);
    autojson json_t *ok = json_string("ok");

    severity = severity != NULL ? severity : ok;
    if (!json_equal(severity, was != NULL ? was : ok))
        json_object_set(result, id, (json_t *)severity);
}

/* What differs from the golden host. A check that says nothing is as good as one that says ok. */
static json_t *changes(const json_t *now, const json_t *before, enum check_scope scope)
{
    autojson json_t *new = severities(now, scope), *old = severities(before, scope);
    json_t *result = json_object(), *severity;
    const char *id;

    json_object_foreach(new, id, severity)
        add_change(result, id, new, old);
    json_object_foreach(old, id, severity)
        add_change(result, id, new, old);
    return result;
}

static json_t *finding_meant(const struct said *said, const char *id)
{
    const json_t *row = find_row(json_object_get(said->device, "checks"), id);

    if (row == NULL)
        row = find_row(json_object_get(said->host, "checks"), id);
    return row != NULL ? json_deep_copy(row) : json_null();
}

/* Uses that weigh; "NAME: MESSAGE". */
static json_t *uses_of(const json_t *device)
{
    json_t *result = json_array(), *use;
    size_t i;

    json_array_foreach(json_object_get(device, "host-use"), i, use)
        if (strcmp(json_string_value(json_object_get(use, "weight")), "idle") != 0)
            json_array_append_new(result,
                                  json_sprintf("%s, %s: %s", json_string_value(json_object_get(use, "id")),
                                               json_string_value(json_object_get(use, "weight")),
                                               json_string_value(json_object_get(use, "message"))));
    return result;
}

static json_t *reduce(const struct said *said, const struct said *golden, const json_t *expected)
{
    const json_t *meant = json_object_get(expected, "meant"), *id = json_object_get(expected, "id");
    json_t *result = json_object();

    if (id != NULL)
        json_object_set(result, "id", (json_t *)id);
    json_object_set(result, "verdict", json_object_get(said->device, "verdict"));
    json_object_set(result, "summary", json_object_get(said->device, "summary"));
    json_object_set_new(result, "host", changes(said->host, golden->host, CHECK_HOST));
    json_object_set_new(result, "device", changes(said->device, golden->device, CHECK_DEVICE));
    if (meant != NULL)
        json_object_set_new(result, "meant",
                            finding_meant(said, json_string_value(json_object_get(meant, "id"))));
    if (json_object_get(expected, "uses") != NULL)
        json_object_set_new(result, "uses", uses_of(said->device));
    return result;
}

/* All that a write could change: names, kinds, modes, times and words. */
static struct text snapshot;

static int add_to_snapshot(const char *path, const struct stat *status, int type, struct FTW *at)
{
    char words[4096] = "";
    ssize_t length = 0;

    (void)at;
    if (type == FTW_SL)
        length = readlink(path, words, sizeof(words));
    else if (type == FTW_F) {
        autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
        length = fd < 0 ? 0 : read(fd, words, sizeof(words));
    }
    text_printf(&snapshot, "%s %o %lld.%09ld %lld\n", path, (unsigned)status->st_mode,
                (long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec, (long long)status->st_size);
    text_append_bytes(&snapshot, words, length > 0 ? (size_t)length : 0);
    return 0;
}

static struct text take_snapshot(const struct tree *tree)
{
    snapshot = (struct text){0};
    cr_assert_eq(nftw(tree->path, add_to_snapshot, 16, FTW_PHYS), 0);
    return snapshot;
}

static void expect_unchanged(const struct tree *tree, struct text *before)
{
    struct text now = take_snapshot(tree);

    cr_expect(now.data != NULL && before->data != NULL && now.length == before->length &&
                  memcmp(now.data, before->data, now.length) == 0,
              "a check changed the host");
    text_release(&now);
    text_release(before);
}

/* Root reads everything: where files are hidden it is asked as another user. */
static void ask_as_nobody(const struct tree *tree, const char *id, struct said *ret)
{
    uid_t own = geteuid();

    if (own == 0)
        cr_assert_eq(seteuid(NOBODY), 0);
    ask(tree, id, ret);
    cr_assert_eq(seteuid(own), 0);
}

static json_t *load_expected(const char *variant)
{
    autofree char *file = xasprintf(VARIANTS "/%s.json", variant);
    json_error_t reason;
    json_t *expected = json_load_file(file, 0, &reason);

    cr_assert_not_null(expected, "%s: %s", file, reason.text);
    return expected;
}

static const char *id_of(const json_t *expected)
{
    const char *id = json_string_value(json_object_get(expected, "id"));

    return id != NULL ? id : GPU;
}

/* On the golden host there may be no such device (a virtual function): then it is compared with nothing. */
static void ask_golden(const char *id, struct said *ret)
{
    autotree struct tree tree;

    tree_make_host(&tree, "golden");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    bool there = device_of(inventory, id) != NULL;
    ask(&tree, there ? id : GPU, ret);
    if (!there)
        json_array_clear(json_object_get(ret->device, "checks"));
}

/* `card`: what is said of the golden host and its graphics card. */
static void expect_actions(const char *variant, const struct said *said)
{
    size_t i;
    json_t *check;

    json_array_foreach(json_object_get(said->host, "checks"), i, check)
        expect_action(variant, check);
    json_array_foreach(json_object_get(said->device, "checks"), i, check)
        expect_action(variant, check);
}

static void compare_with_expected(const char *variant, const struct said *card)
{
    autofree char *host = xasprintf("golden:%s", variant);
    autojson json_t *expected = load_expected(variant);
    const char *id = id_of(expected);
    autosaid struct said other = {0}, said = {0};
    const struct said *golden = strcmp(id, GPU) == 0 ? card : &other;
    autotree struct tree tree;

    if (golden == &other)
        ask_golden(id, &other);
    tree_make_host(&tree, host);
    cr_assert_eq(chmod(tree.path, 0755), 0);
    struct text before = take_snapshot(&tree);
    if (strcmp(variant, "half-unreadable") == 0)
        ask_as_nobody(&tree, id, &said);
    else
        ask(&tree, id, &said);
    expect_unchanged(&tree, &before);
    expect_actions(variant, &said);
    autojson json_t *found = reduce(&said, golden, expected);
    autofree char *text = json_dumps(found, JSON_INDENT(2));
    cr_expect(json_equal(found, expected), "%s: found\n%s", variant, text);
}

/* In slices, which run at the same time: a process for each variant would cost more than what it looks at. */
ParameterizedTestParameters(golden, variant_is_told_as_it_should_be)
{
    return variant_slices();
}

ParameterizedTest(const size_t *slice, golden, variant_is_told_as_it_should_be)
{
    autosplit char **names = variant_names();
    autosaid struct said card = {0};

    ask_golden(GPU, &card);
    for (size_t i = *slice; i < variant_count(names); i += VARIANT_SLICES)
        compare_with_expected(names[i], &card);
}

/* Of a reply, the findings that are not "ok". */
static json_t *not_ok(const json_t *object)
{
    json_t *result = json_array(), *row;
    size_t i;

    json_array_foreach(json_object_get(object, "checks"), i, row)
        if (strcmp(json_string_value(json_object_get(row, "severity")), "ok") != 0)
            json_array_append(result, row);
    return result;
}

static json_t *describe(const struct said *said)
{
    return json_pack("{s:O, s:O, s:o}", "verdict", json_object_get(said->device, "verdict"), "summary",
                     json_object_get(said->device, "summary"), "findings", not_ok(said->device));
}

static bool has_only_infos(const json_t *findings)
{
    size_t i;
    json_t *finding;

    json_array_foreach(findings, i, finding)
        if (strcmp(json_string_value(json_object_get(finding, "severity")), "info") != 0)
            return false;
    return true;
}

/* golden.json has what is said of the host and of each device. */
Test(golden, host_that_is_set_up_right_gets_no_warning)
{
    autojson json_t *expected = load_expected("golden"), *found = json_object();
    json_t *devices = json_object_get(expected, "devices"), *told;
    autotree struct tree tree;
    const char *id;

    tree_make_host(&tree, "golden");
    struct text before = take_snapshot(&tree);
    json_object_set_new(found, "devices", json_object());
    json_object_foreach(devices, id, told) {
        autosaid struct said said = {0};
        ask(&tree, id, &said);
        expect_actions(id, &said);
        json_object_set_new(found, "host", not_ok(said.host));
        json_object_set_new(json_object_get(found, "devices"), id, describe(&said));
    }
    expect_unchanged(&tree, &before);
    autofree char *text = json_dumps(found, JSON_INDENT(2));
    cr_expect(json_equal(found, expected), "golden: found\n%s", text);
    cr_expect(has_only_infos(json_object_get(found, "host")));
    const json_t *gpu = json_object_get(json_object_get(found, "devices"), GPU);
    cr_expect(has_only_infos(json_object_get(gpu, "findings")));
    cr_expect_str_eq(json_string_value(json_object_get(gpu, "verdict")), "ready");
}

/* What make-host --list writes: "golden:NAME ID TEXT" lines. */
static char *list_variants(void)
{
    char file[] = "/tmp/hostpci-list-XXXXXX", *argv[] = {(char[]){"make-host"}, (char[]){"--list"}, NULL};
    const char *program = getenv("HOSTPCI_MAKE_HOST");
    autoclose int fd = mkstemp(file);
    posix_spawn_file_actions_t actions;
    struct error err;
    char *text = NULL;
    int status;
    pid_t child;

    cr_assert_not_null(program, "set HOSTPCI_MAKE_HOST to the program that tests/hosts builds");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    cr_assert_eq(posix_spawn(&child, program, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(file_read(file, 65536, &text, NULL, &err), 0, "%s", err.message);
    unlink(file);
    return text;
}

Test(golden, every_variant_has_an_expectation_about_its_device)
{
    autofree char *list = list_variants();
    autosplit char **names = variant_names();
    size_t count = variant_count(names), variants = 0;
    char *rest = list, id[PCI_ADDRESS_SIZE], name[64];

    for (const char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; variants++) {
        cr_assert_eq(sscanf(line, "golden:%63s %19s", name, id), 2, "%s", line);
        autojson json_t *expected = load_expected(name);
        const char *own = json_string_value(json_object_get(expected, "id"));
        cr_expect_str_eq(own != NULL ? own : strcmp(id, "-") == 0 ? "-" : GPU, id, "%s", name);
    }
    cr_expect_eq(variants, count, "%zu variants, %zu expectations", variants, count);
}

static bool golden_has(const json_t *golden, const char *check)
{
    const char *id;
    json_t *device;

    if (find_row(json_object_get(golden, "host"), check) != NULL)
        return true;
    json_object_foreach(json_object_get(golden, "devices"), id, device)
        if (find_row(json_object_get(device, "findings"), check) != NULL)
            return true;
    return false;
}

static bool golden_has_action(const json_t *golden, const char *check)
{
    const char *id;
    json_t *device;

    if (json_object_get(find_row(json_object_get(golden, "host"), check), "action") != NULL)
        return true;
    json_object_foreach(json_object_get(golden, "devices"), id, device)
        if (json_object_get(find_row(json_object_get(device, "findings"), check), "action") != NULL)
            return true;
    return false;
}

/* In golden.json, or in the finding that a variant is about. */
static bool has_action(const char *check, const json_t *golden, char *const *names)
{
    if (golden_has_action(golden, check))
        return true;
    for (; *names != NULL; names++) {
        autojson json_t *expected = load_expected(*names);
        const json_t *meant = json_object_get(expected, "meant");
        if (json_object_get(meant, "action") != NULL &&
            strcmp(json_string_value(json_object_get(meant, "id")), check) == 0)
            return true;
    }
    return false;
}

static bool is_meant(const char *check, char *const *names)
{
    for (; *names != NULL; names++) {
        autojson json_t *expected = load_expected(*names);
        const char *id = NULL, *severity = NULL;
        json_unpack(expected, "{s:{s:s, s:s}}", "meant", "id", &id, "severity", &severity);
        if (severity != NULL && strcmp(id, check) == 0 && strcmp(severity, "ok") != 0)
            return true;
    }
    return false;
}

/* Fixable where the driver is built in, integrated graphics are left out, or hostpci's own file blacklists
 * the module: in device.c, host.c and kernel.c. */
static bool is_told_elsewhere(const char *check)
{
    static const char *const checks[] = {"vfio-ids",          "vfio-ids-others",         "iommu-parameter",
                                         "vfio-loaded",       "vfio-iommu-type1-loaded", "vfio-pci-loaded",
                                         "vfio-virqfd-loaded"};

    for (size_t i = 0; i < COUNT_OF(checks); i++)
        if (strcmp(checks[i], check) == 0)
            return true;
    return false;
}

Test(golden, every_check_has_a_host_on_which_it_speaks_up)
{
    autojson json_t *golden = load_expected("golden");
    autosplit char **names = variant_names();

    CHECK_FOREACH(check, check_lists)
    {
        cr_expect(is_meant(check->id, names) || golden_has(golden, check->id), "no variant is about %s",
                  check->id);
        cr_expect(!check->fixable || is_told_elsewhere(check->id) || has_action(check->id, golden, names),
                  "no variant has an action of %s", check->id);
    }
}
