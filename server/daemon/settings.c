/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of `hostpci serve`: one table for the command line, the file and the help text. */
#include "server/daemon/settings.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/login.h"
#include "base/file.h"
#include "base/memory.h"
#include "broker/probe/qemu.h"
#include "schema/format.h"
#include "store/store.h"

#define FILE_LIMIT    ((size_t)64 * 1024)
#define THREADS_LIMIT 64
#define DAYS_LIMIT    3650
#define ORIGIN        "https?://[a-z0-9.:\\[\\]-]+" /* as browsers send it */
#define THREADS_USUAL 4 /* the most by default: more do not help with such short requests */

struct option_row {
    const char *name, *argument, *text;
    size_t offset; /* in struct settings */
    bool repeatable;
    const char *fallback;
};

#define FIELD(member) offsetof(struct settings, member)

static const struct option_row rows[] = {
    {"node", "NAME", "this node's name (default: the host's name)", FIELD(node), false, NULL},
    {"listen", "URL",
     "https://ADDRESS:PORT, or http:// on a loopback address; may be repeated (default https://0.0.0.0:8006)",
     FIELD(listen), true, "https://0.0.0.0:8006"},
    {"socket", "PATH", "the local socket (default RUN_DIR/hostpci.sock)", FIELD(socket), false, NULL},
    {"state-dir", "DIR", "the folder of the database and the certificate (default /var/lib/hostpci)",
     FIELD(state_dir), false, "/var/lib/hostpci"},
    {"run-dir", "DIR", "the folder of the local socket (default /run/hostpci)", FIELD(run_dir), false,
     "/run/hostpci"},
    {"user", "NAME",
     "the user that the daemon becomes when root starts it (default hostpci; nobody if there is no such "
     "user)",
     FIELD(user), false, "hostpci"},
    {"broker-dir", "DIR|none",
     "when root starts the daemon and no broker runs, it starts one with its journal here; none: it does "
     "not (default /var/lib/hostpci-broker)",
     FIELD(broker_dir), false, "/var/lib/hostpci-broker"},
    {"sysroot", "DIR", "read the files of the host (/sys, /proc, ...) below this folder (default /)",
     FIELD(sysroot), false, "/"},
    {"qemu", "PATH", "the QEMU that virtual machines run in (default " QEMU_BINARY ")", FIELD(qemu), false,
     QEMU_BINARY},
    {"rom-dir", "DIR", "the folder of the romfiles that hostpciN may name (default /usr/share/kvm)",
     FIELD(rom_dir), false, "/usr/share/kvm"},
    {"volume-dir", "DIR",
     "users other than root@pam may give virtual machines the files below this folder; may be repeated "
     "(default STATE_DIR/images)",
     FIELD(volume_dirs), true, NULL},
    {"storage-dir", "DIR",
     "the folder of the storage `local`, in which disks are made and ISO images kept; the broker's own "
     "(default " STORE_FOLDER ")",
     FIELD(storage_dir), false, STORE_FOLDER},
    {"inventory", "cached|fresh",
     "keep the list of devices and follow the kernel's events, or read it again for each request (default: "
     "cached if the kernel's events arrive)",
     FIELD(inventory), false, NULL},
    {"cors", "ORIGIN",
     "let pages of another web server, such as https://ops.example.org, call this API; may be repeated",
     FIELD(cors), true, NULL},
    {"etcd", "URL[,URL...]",
     "share the configuration with the other nodes that name the same etcd (https:// unless it is on a "
     "loopback address)",
     FIELD(etcd), false, NULL},
    {"etcd-ca", "FILE", "the certificate of the authority that etcd's certificate must be from",
     FIELD(etcd_ca), false, NULL},
    {"etcd-cert", "FILE", "this node's certificate, for etcd; the daemon's user must be able to read it",
     FIELD(etcd_cert), false, NULL},
    {"etcd-key", "FILE", "its key; the daemon's user alone should be able to read it", FIELD(etcd_key), false,
     NULL},
    {"login-days", "N",
     "the number of days after which a login ends, however often its ticket is renewed (default 30)",
     FIELD(login_days), false, NULL},
    {"threads", "N",
     "the number of threads that answer requests, for each --listen (default: one per processor, at most 4)",
     FIELD(threads), false, NULL},
};

enum { OPTION_CONFIG = 1000, OPTION_HELP };

static const struct option_row *find_row(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

static size_t count_list(char **list)
{
    size_t count = 0;

    while (list != NULL && list[count] != NULL)
        count++;
    return count;
}

static int add_to_list(char ***list, const char *value, struct error *err)
{
    size_t count = count_list(*list);

    if (count == SETTINGS_LISTENERS)
        return error_set(err, ERROR_INVALID, "may be given at most %d times", SETTINGS_LISTENERS);
    *list = xrealloc(*list, count + 2, sizeof(**list));
    (*list)[count] = xstrdup(value);
    (*list)[count + 1] = NULL;
    return 0;
}

static int set(struct settings *settings, const struct option_row *row, const char *value, struct error *err)
{
    void *field = (char *)settings + row->offset;

    if (value[0] == '\0')
        return error_set(err, ERROR_INVALID, "%s needs a value: %s", row->name, row->argument);
    if (row->repeatable) {
        if (add_to_list(field, value, err) != 0)
            return error_prefix(err, "%s: ", row->name);
        return 0;
    }
    char **string = field;
    free(*string);
    *string = xstrdup(value);
    return 0;
}

static bool is_set(const struct settings *settings, const struct option_row *row)
{
    const void *field = (const char *)settings + row->offset;

    return *(void *const *)field != NULL;
}

static int read_line(struct settings *settings, char *line, struct error *err)
{
    char *start = text_trim(line);

    if (*start == '\0' || *start == '#')
        return 0;
    char *equals = strchr(start, '=');
    if (equals == NULL)
        return error_set(err, ERROR_INVALID, "'%.60s' is not of the form name = value", start);
    *equals = '\0';
    const char *name = text_trim(start);
    const struct option_row *row = find_row(name);
    if (row == NULL)
        return error_set(err, ERROR_INVALID, "there is no setting '%.60s'; `hostpci serve --help` lists them",
                         name);
    return set(settings, row, text_trim(equals + 1), err);
}

/* Reads the file; what the command line has set stays. */
static int read_file(const char *path, struct settings *settings, struct error *err)
{
    __attribute__((cleanup(settings_release))) struct settings from_file = {0};
    autofree char *content = NULL;
    int number = 0;

    if (file_read(path, FILE_LIMIT, &content, NULL, err) != 0)
        return error_prefix(err, "--config: ");
    for (char *rest = content, *line; (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        if (read_line(&from_file, line, err) != 0)
            return error_prefix(err, "'%s' line %d: ", path, number);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        void **to = (void **)(void *)((char *)settings + rows[i].offset);
        void **from = (void **)(void *)((char *)&from_file + rows[i].offset);
        if (*to == NULL)
            *to = TAKE(*from);
    }
    return 0;
}

static char *host_name(void)
{
    char name[256] = "";

    gethostname(name, sizeof(name) - 1);
    name[strcspn(name, ".")] = '\0';
    return xstrdup(name[0] != '\0' ? name : "localhost");
}

/* STATE_DIR/images as an absolute path, as volumes are named. */
static char *default_volume_dir(const char *state_dir)
{
    autofree char *here = state_dir[0] != '/' ? get_current_dir_name() : NULL;

    return xasprintf("%s%s%s/images", here != NULL ? here : "", here != NULL ? "/" : "", state_dir);
}

static int fill_defaults(struct settings *settings, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!is_set(settings, &rows[i]) && rows[i].fallback != NULL &&
            set(settings, &rows[i], rows[i].fallback, err) != 0)
            return -1;
    }
    if (settings->node == NULL)
        settings->node = host_name();
    if (settings->socket == NULL)
        settings->socket = xasprintf("%s/hostpci.sock", settings->run_dir);
    if (settings->volume_dirs == NULL) {
        autofree char *images = default_volume_dir(settings->state_dir);
        return add_to_list(&settings->volume_dirs, images, err);
    }
    return 0;
}

static int check_origins(char *const *origins, struct error *err)
{
    for (char *const *origin = origins; origin != NULL && *origin != NULL; origin++)
        if (!format_matches_pattern(ORIGIN, *origin, strlen(*origin)))
            return error_set(
                err, ERROR_INVALID,
                "cors must be an origin such as https://ops.example.org or http://10.0.0.5:8080, in "
                "lower case and without a path, not '%.100s'",
                *origin);
    return 0;
}

/* The path becomes part of command lines, so it must be absolute. A slash at its end is removed. */
static int check_path(const char *name, char *path, struct error *err)
{
    if (path[0] != '/')
        return error_set(err, ERROR_INVALID, "%s must be an absolute path, not '%.200s'", name, path);
    for (size_t length = strlen(path); length > 1 && path[length - 1] == '/'; length--)
        path[length - 1] = '\0';
    return 0;
}

static int check_paths(const struct settings *settings, struct error *err)
{
    if (check_path("qemu", settings->qemu, err) != 0 || check_path("rom-dir", settings->rom_dir, err) != 0 ||
        check_path("storage-dir", settings->storage_dir, err) != 0)
        return -1;
    for (char **folder = settings->volume_dirs; *folder != NULL; folder++)
        if (check_path("volume-dir", *folder, err) != 0)
            return -1;
    return 0;
}

/* Parses a number from 1 to `limit`; `usual` if it was not given. */
static int check_number(const char *name, const char *given, unsigned usual, unsigned limit, unsigned *ret,
                        struct error *err)
{
    unsigned long long number = usual;

    if (given != NULL && (!text_to_number(given, 10, limit, &number) || number == 0))
        return error_set(err, ERROR_INVALID, "%s must be a number from 1 to %u, not '%.60s'", name, limit,
                         given);
    *ret = (unsigned)number;
    return 0;
}

static unsigned usual_threads(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return processors < 1 ? 1 : processors > THREADS_USUAL ? THREADS_USUAL : (unsigned)processors;
}

static int check_values(struct settings *settings, struct error *err)
{
    const char *inventory = settings->inventory;

    if (format_check("pve-node", settings->node, err) != 0)
        return error_set(err, ERROR_INVALID,
                         "'%.100s' cannot be a node's name (letters, digits and inner hyphens): "
                         "give another one with --node",
                         settings->node);
    if (inventory != NULL && strcmp(inventory, "cached") != 0 && strcmp(inventory, "fresh") != 0)
        return error_set(err, ERROR_INVALID, "inventory must be 'cached' or 'fresh', not '%.60s'", inventory);
    if (check_number("threads", settings->threads, usual_threads(), THREADS_LIMIT, &settings->thread_count,
                     err) != 0 ||
        check_number("login-days", settings->login_days, LOGIN_DAYS, DAYS_LIMIT, &settings->login_day_count,
                     err) != 0 ||
        check_paths(settings, err) != 0)
        return -1;
    return check_origins(settings->cors, err);
}

/* *ret_config is set to the path of the config file if one is named. */
static int read_command_line(int argc, char **argv, struct settings *settings, const char **ret_config,
                             struct error *err)
{
    struct option options[COUNT_OF(rows) + 3] = {{"config", required_argument, NULL, OPTION_CONFIG},
                                                 {"help", no_argument, NULL, OPTION_HELP}};
    int found;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        options[i + 2] = (struct option){rows[i].name, required_argument, NULL, (int)i};
    optind = 0; /* with glibc: starts from the beginning */
    while ((found = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
        const char *given = argv[optind - 1];
        if (found == OPTION_HELP || found == 'h')
            settings->help = true;
        else if (found == OPTION_CONFIG)
            *ret_config = optarg;
        else if (found == ':')
            return error_set(err, ERROR_INVALID, "option '%.60s' needs a value", given);
        else if (found == '?')
            return error_set(err, ERROR_INVALID, "unknown option '%.60s'; `hostpci serve --help` lists them",
                             given);
        else if (set(settings, &rows[found], optarg, err) != 0)
            return error_prefix(err, "--");
    }
    if (optind < argc)
        return error_set(err, ERROR_INVALID, "'%.60s' is not an option; `hostpci serve --help` lists them",
                         argv[optind]);
    return 0;
}

static int read_all(int argc, char **argv, struct settings *settings, struct error *err)
{
    const char *config = NULL;

    if (read_command_line(argc, argv, settings, &config, err) != 0)
        return -1;
    if (settings->help)
        return 0;
    if (config != NULL && read_file(config, settings, err) != 0)
        return -1;
    if (fill_defaults(settings, err) != 0)
        return -1;
    return check_values(settings, err);
}

int settings_read(int argc, char **argv, struct settings *ret, struct error *err)
{
    struct settings settings = {0};

    if (read_all(argc, argv, &settings, err) != 0) {
        settings_release(&settings);
        return -1;
    }
    *ret = settings;
    return 0;
}

static void free_list(char **list)
{
    for (size_t i = 0; i < count_list(list); i++)
        free(list[i]);
    free(list);
}

void settings_release(struct settings *settings)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        void *field = (char *)settings + rows[i].offset;
        if (rows[i].repeatable)
            free_list(*(char ***)field);
        else
            free(*(char **)field);
    }
    *settings = (struct settings){0};
}

void settings_print_help(struct text *ret)
{
    text_append(ret, "usage: hostpci serve [--config FILE] [OPTION]...\n\n"
                     "  --config FILE\n        a file of lines `name = value`, with the names below; # "
                     "starts a comment\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        text_printf(ret, "  --%s %s\n        %s\n", rows[i].name, rows[i].argument, rows[i].text);
}
