/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named formats of strings, and patterns. */
#include "schema/format.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/cpu_flags.h"

#define MATCH_LIMIT 100000 /* backtracking steps: far above what our patterns need */
#define LIST_BLANKS ",; \t\r\n"

#define HOST_NAME   "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
#define USERID      "[^\\s:/]+@[A-Za-z][A-Za-z0-9._-]+"
#define PCI_ID      "(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\\.[0-7]"
#define PCI_HOST    "(?:(?:[0-9a-f]{4}|[1-9a-f][0-9a-f]{4,7}):)?[0-9a-f]{2}:[01][0-9a-f](?:\\.[0-7])?"
#define UUID        "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
#define VOLUME_ID   "[a-zA-Z][a-zA-Z0-9_.-]*[a-zA-Z0-9]:\\S+"
#define GIB         "[0-9]+(?:\\.[0-9]+)?" /* a new disk in the storage that the request names elsewhere */
#define FRACTION    "(?:\\.[0-9]{1,9})?"
#define DISK_SIZE   /* below 2^63 bytes */                                                                   \
    "(?:[0-9]{1,15}" FRACTION "K?|[0-9]{1,12}" FRACTION "M|[0-9]{1,9}" FRACTION "G|[0-9]{1,6}" FRACTION      \
    "T)(?:iB)?"
#define CPU_FLAG_NAME(name, text) "|" name
#define CPU_FLAG                  "[+-](?:(?!)" CPU_FLAGS(CPU_FLAG_NAME) ")" /* (?!) matches nothing */
#define DNS_LABEL                 "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
#define STARTUP                   "(?:(?:order=)?\\d{1,9}|(?:up|down)=\\d{1,9})"
#define CPUS                      "\\d{1,5}(?:-\\d{1,5})?"
#define BOOT_DEVICE                                                                                          \
    "ide[0-3]|sata[0-5]|scsi(?:[12]?[0-9]|30)|virtio(?:[0-9]|1[0-5])|net(?:[12]?[0-9]|3[01])|"               \
    "usb(?:[0-9]|1[0-3])|hostpci(?:[0-9]|1[0-5])"

static const struct format {
    const char *name;
    const char *pattern;
    const char *complaint; /* the error text; if it ends with a blank, the value follows */
} formats[] = {
    {"string", "(?s).*", "value is not a string"},
    {"pve-node", HOST_NAME, "value does not look like a valid node name"},
    {"pve-vmid", "[1-9][0-9]{2,8}", "value does not look like a valid VM ID"},
    {"pve-configid", "[a-zA-Z][a-zA-Z0-9_-]+", "invalid configuration ID"},
    {"pve-userid", "(?=.{3,64}$)" USERID, "value does not look like a valid user name"},
    {"pve-tokenid", USERID "![A-Za-z][A-Za-z0-9._-]+", "value does not look like a valid token ID"},
    {"pve-task-upid", "UPID:" HOST_NAME ":[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:\\s]+:[^:\\s]*:[^:\\s]+:",
     "unable to parse worker upid"},
    {"pve-task-status-type", "ok|error|warning|unknown", "value is not one of ok, error, warning, unknown"},
    {"pve-storage-id", "[a-zA-Z][a-zA-Z0-9_.-]*[a-zA-Z0-9]", "storage ID contains illegal characters"},
    {"pve-storage-content", "images|rootdir|vztmpl|iso|backup|snippets|import|none", "invalid content type "},
    {"pve-poolid", "[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+){0,2}", "pool name contains invalid characters"},
    {"pve-ha-resource-or-vm-id", "(?:(?:vm|ct):)?[1-9][0-9]{2,8}",
     "value is neither a VM ID nor vm: or ct: with one"},
    {"pve-groupid", "[A-Za-z0-9._-]+", "group name contains invalid characters"},
    {"pve-roleid", "[A-Za-z0-9._-]+", "role name contains invalid characters"},
    {"pve-realm", "[A-Za-z][A-Za-z0-9._-]+", "value does not look like a valid realm"},
    {"pve-priv", "[A-Za-z.]+", "value does not look like a privilege"},
    {"email-opt", "|[^\\s@,;]+@[^\\s@,;]+", "value does not look like a valid email address"},
    {"pci-id", PCI_ID, "value is not a PCI id such as 0000:01:00.0"},
    {"pci-id-or-mapping", PCI_ID "|[a-zA-Z][a-zA-Z0-9_-]+",
     "value is neither a PCI id such as 0000:01:00.0 nor the name of a mapping"},
    {"uuid", UUID, "value is not a UUID such as 8bcc2a04-2c1b-4a55-9f06-1c5b1d7a3c11"},
    {"mdev-type", "[A-Za-z0-9_][A-Za-z0-9_+.-]{0,254}",
     "value is not the name of a type of mediated devices"},
    {"mdev-id", UUID "|" PCI_ID,
     "value is neither the UUID of a mediated device nor the PCI id of a function that is a vGPU"},
    {"pve-pci-hosts", PCI_HOST "(?:;" PCI_HOST ")*",
     "value is not a list of PCI devices such as 0000:01:00.0;01:00.1, in lower case; a mapping is given "
     "as mapping=NAME"},
    {"pve-volume-id", VOLUME_ID, "unable to parse volume ID"},
    {"pve-volume-id-or-qm-path", "none|cdrom|/.+|" GIB "|" VOLUME_ID,
     "value is neither none, cdrom, a path nor STORAGE:VOLUME"},
    {"pve-volume-id-or-absolute-path", "/.+|" GIB "|" VOLUME_ID,
     "value is neither a path nor STORAGE:VOLUME"},
    {"disk-size", DISK_SIZE, "value is not a size such as 32G"},
    {"urlencoded", "[-%a-zA-Z0-9_.!~*'()+]*", "invalid urlencoded string"},
    {"mac-addr", "[a-fA-F0-9][02468aceACE](?::[a-fA-F0-9]{2}){5}",
     "value is not a unicast MAC address such as BC:24:11:00:00:01"},
    {"pve-bridge-id", "[-_.\\w]+", "invalid bridge name"},
    {"pve-cpu-model", "[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}", "value is not the name of a CPU model"},
    {"pve-cpu-flags", CPU_FLAG "(?:;" CPU_FLAG ")*",
     "value is not a list such as +aes;-pcid of the flags that can be set"},
    {"pve-phys-bits", "host|[89]|[1-5][0-9]|6[0-4]", "value is neither 8 to 64 nor host"},
    {"dns-name", DNS_LABEL "(?:\\." DNS_LABEL ")*", "value does not look like a valid DNS name"},
    {"pve-tag", "(?i)[a-z0-9_][a-z0-9_+.-]*", "invalid characters in tag"},
    {"pve-startup-order", STARTUP "(?:," STARTUP ")*", "unable to parse startup options"},
    {"pve-cpuset", CPUS "(?:," CPUS ")*", "value is not a CPU set such as 0,5,8-11"},
    {"pve-hotplug-feature", "[01]|network|disk|cpu|memory|usb|cloudinit|pci", "invalid hotplug feature "},
    {"pve-qm-bootdev", BOOT_DEVICE, "invalid boot device "},
};

/* Values that were meant for something else: the value follows the error's text. */
static const struct mistake {
    const char *name, *pattern, *complaint;
} mistakes[] = {
    {"pve-pci-hosts", "[a-zA-Z][a-zA-Z0-9_-]+",
     "value is not a PCI device such as 0000:01:00.0; a mapping of that name is given as mapping="},
};

static const struct format *find_format(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (strlen(formats[i].name) == length && memcmp(formats[i].name, name, length) == 0)
            return &formats[i];
    return NULL;
}

/* "pve-configid-list" is a list of "pve-configid". */
static const struct format *find_item_format(const char *name)
{
    return text_ends_with(name, "-list") ? find_format(name, strlen(name) - strlen("-list")) : NULL;
}

bool format_is_known(const char *name)
{
    return find_format(name, strlen(name)) != NULL || find_item_format(name) != NULL;
}

static int check_one(const struct format *format, const char *value, struct error *err)
{
    if (format_matches_pattern(format->pattern, value, strlen(value)))
        return 0;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++)
        if (strcmp(mistakes[i].name, format->name) == 0 &&
            format_matches_pattern(mistakes[i].pattern, value, strlen(value)))
            return error_set(err, ERROR_INVALID, "invalid format - %s%.200s\n", mistakes[i].complaint, value);
    if (!text_ends_with(format->complaint, " "))
        return error_set(err, ERROR_INVALID, "invalid format - %s\n", format->complaint);
    return error_set(err, ERROR_INVALID, "invalid format - %s'%.200s'\n", format->complaint, value);
}

int format_check(const char *name, const char *value, struct error *err)
{
    const struct format *format = find_format(name, strlen(name));

    if (format != NULL)
        return check_one(format, value, err);
    format = find_item_format(name);
    assert(format != NULL);
    autosplit char **items = format_split_list(value);
    for (char **item = items; *item != NULL; item++)
        if (check_one(format, *item, err) != 0)
            return -1;
    return 0;
}

char **format_split_list(const char *list)
{
    size_t count = 0;
    char **items = xcalloc(strlen(list) / 2 + 2, sizeof(*items));

    for (const char *at = list + strspn(list, LIST_BLANKS); *at != '\0'; at += strspn(at, LIST_BLANKS)) {
        size_t length = strcspn(at, LIST_BLANKS);
        items[count++] = xstrndup(at, length);
        at += length;
    }
    return items;
}

void format_free_list(char ***list)
{
    if (*list == NULL)
        return;
    for (char **item = *list; *item != NULL; item++)
        free(*item);
    free(*list);
}

/* Compiled patterns live as long as the process; there are a few dozen. */
static struct compiled {
    struct compiled *next;
    const char *pattern;
    pcre2_code *code;
} *compiled_patterns;
static pthread_mutex_t compiled_lock = PTHREAD_MUTEX_INITIALIZER;

static struct compiled *compile(const char *pattern)
{
    int number;
    PCRE2_SIZE offset;
    struct compiled *compiled = xcalloc(1, sizeof(*compiled));

    compiled->pattern = pattern;
    compiled->code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY, &number, &offset, NULL);
    if (compiled->code == NULL) {
        fprintf(stderr, "hostpci: the pattern '%s' does not compile at %zu\n", pattern, (size_t)offset);
        abort();
    }
    return compiled;
}

static const pcre2_code *find_compiled(const char *pattern)
{
    struct compiled *found;

    pthread_mutex_lock(&compiled_lock);
    for (found = compiled_patterns; found != NULL && found->pattern != pattern; found = found->next)
        continue;
    if (found == NULL) {
        found = compile(pattern);
        found->next = compiled_patterns;
        compiled_patterns = found;
    }
    pthread_mutex_unlock(&compiled_lock);
    return found->code;
}

bool format_matches_pattern(const char *pattern, const char *value, size_t length)
{
    const pcre2_code *code = find_compiled(pattern);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);

    pcre2_set_match_limit(context, MATCH_LIMIT);
    int found = pcre2_match(code, (PCRE2_SPTR)value, length, 0, 0, data, context);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
    return found >= 0;
}
