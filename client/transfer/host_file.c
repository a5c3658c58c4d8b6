/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in which other tools keep what they set up at each start of a host: sysfsutils, driverctl, mdevctl,
 * systemd. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "client/transfer/formats.h"
#include "client/transfer/host_step.h"

/* A line without comment and blanks, which may be empty; NULL after the last one. */
static char *next_setting(struct intake_source *source, char **rest)
{
    char *line = intake_next_line(source, rest);

    if (line == NULL)
        return NULL;
    autojson json_t *readable = json_string(line);
    if (readable == NULL)
        intake_leave_out(source, "the line is not UTF-8");
    line = text_trim(line);
    return readable == NULL || line[0] == '#' || line[0] == ';' ? line + strlen(line) : line;
}

/* "A = B": A and B without blanks; false if there is no such sign. */
static bool split(char *line, char **name, char **value)
{
    *value = strchr(line, '=');
    if (*value == NULL)
        return false;
    *(*value)++ = '\0';
    *name = text_trim(line);
    *value = text_trim(*value);
    return true;
}

/* Moves over "bus/pci/devices/ID/" or "class/net/NAME/device/", and gives the id; NULL if it is neither, and
 * "" if there is no such interface, which is told. */
static const char *take_device(struct intake_source *source, char **path)
{
    static const char devices[] = "bus/pci/devices/", interfaces[] = "class/net/";
    char *at = *path;
    bool network = text_starts_with(at, interfaces);

    if (!network && !text_starts_with(at, devices))
        return NULL;
    at += network ? strlen(interfaces) : strlen(devices);
    char *name = strsep(&at, "/");
    if (network && (at == NULL || !text_starts_with(at, "device/")))
        return NULL;
    if (at == NULL)
        return NULL;
    *path = at + (network ? strlen("device/") : 0);
    if (!network)
        return name;
    const char *id = host_step_find_interface(source, *path, name);
    return id != NULL ? id : "";
}

/* `probes`, {ID: VALUE}, is what earlier lines said about drivers of virtual functions. */
static void read_attribute(struct intake_source *source, const char *id, char *attribute, const char *value,
                           json_t *probes)
{
    static const char types[] = "mdev_supported_types/", create[] = "/create";

    if (strcmp(attribute, "driver_override") == 0)
        host_step_driver(source, id, value);
    else if (strcmp(attribute, "sriov_drivers_autoprobe") == 0)
        json_object_set_new(probes, id, json_string(value));
    else if (strcmp(attribute, "sriov_numvfs") == 0) {
        json_t *settings = json_object(), *probe = json_object_get(probes, id);
        if (probe != NULL)
            json_object_set(settings, "autoprobe", probe);
        host_step_vfs(source, id, value, settings);
    } else if (text_starts_with(attribute, types) && text_ends_with(attribute, create)) {
        attribute[strlen(attribute) - strlen(create)] = '\0';
        host_step_mdev(source, id, attribute + strlen(types), value);
    } else
        intake_leave_out(source, "%s of %s: hostpci does not keep this", attribute, id);
}

void sysfs_file_read(struct intake_source *source)
{
    autojson json_t *probes = json_object();
    char *rest = source->text, *path, *value;

    for (char *line; (line = next_setting(source, &rest)) != NULL;) {
        if (line[0] == '\0')
            continue;
        if (!split(line, &path, &value)) {
            intake_leave_out(source, "the line has no '='");
            continue;
        }
        autofree char *whole = xstrdup(path);
        const char *id = take_device(source, &path);
        if (id == NULL)
            intake_leave_out(source, "%s: it is no setting of a PCI function", whole);
        else if (id[0] != '\0')
            read_attribute(source, id, path, value, probes);
    }
}

void driverctl_file_read(struct intake_source *source)
{
    const char *slash = strrchr(source->name, '/'), *name = slash != NULL ? slash + 1 : source->name;
    char *rest = source->text, *line = next_setting(source, &rest);

    if (line == NULL || line[0] == '\0')
        intake_leave_out(source, "it names no driver");
    else
        host_step_driver(source, name + strlen("pci-"), line);
}

void mdevctl_file_read(struct intake_source *source)
{
    autojson json_t *document = json_loadb(source->text, source->length, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(document, "mdev_type"));
    const char *start = json_string_value(json_object_get(document, "start"));
    autofree char *copy = xstrdup(source->path);
    char *uuid = strrchr(copy, '/'), *parent;

    if (type == NULL || uuid == NULL) {
        intake_leave_out(source, "it is not a file of mdevctl, which has an object with mdev_type");
        return;
    }
    *uuid++ = '\0';
    parent = strrchr(copy, '/');
    if (start == NULL || strcmp(start, "auto") != 0) {
        intake_leave_out(source,
                         "mediated device %s: mdevctl makes it only when it is told to, and hostpci "
                         "keeps those of each start",
                         uuid);
        return;
    }
    if (json_array_size(json_object_get(document, "attrs")) > 0)
        intake_leave_out(source, "attributes of mediated device %s: add them to its file in /etc/mdevctl.d",
                         uuid);
    host_step_mdev(source, parent != NULL ? parent + 1 : copy, type, uuid);
}

/* systemd.link(5): an [SR-IOV] section for each virtual function that has settings. */
struct link {
    char *id, *interface; /* of [Match] */
    char *count;
    unsigned long long functions; /* one more than the highest of a section */
    json_t *settings;             /* {"vf0": "vlan=5"} */
    char section[16];
    char *function; /* of this section */
    struct text options;
};

#define FUNCTIONS_LIMIT 65535

static void end_section(struct intake_source *source, struct link *link)
{
    unsigned long long number;

    if (link->function != NULL && text_to_number(link->function, 10, FUNCTIONS_LIMIT - 1, &number)) {
        autofree char *name = xasprintf("vf%llu", number);
        if (link->options.length > 0)
            json_object_set_new(link->settings, name, json_string(text_string(&link->options)));
        link->functions = number + 1 > link->functions ? number + 1 : link->functions;
    } else if (link->function != NULL || link->options.length > 0)
        intake_leave_out(source, "an [SR-IOV] section names no virtual function by VirtualFunction=");
    text_release(&link->options);
    free(link->function);
    link->function = NULL;
}

/* How hostpci calls it, and what systemd's booleans and words are here. */
static const struct {
    const char *theirs, *ours;
    bool is_flag;
} vf_options[] = {
    {"MACAddress", "mac", false},       {"VLANId", "vlan", false},
    {"QualityOfService", "qos", false}, {"VLANProtocol", "proto", false},
    {"Trust", "trust", true},           {"MACSpoofCheck", "spoofchk", true},
    {"LinkState", "link-state", false}, {"QueryReceiveSideScaling", "query-rss", true},
};

static bool is_yes(const char *value)
{
    static const char *const words[] = {"1", "yes", "y", "true", "t", "on"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

static void add_option(struct link *link, const char *ours, bool is_flag, char *value)
{
    const char *other = value;

    if (is_flag)
        other = is_yes(value) ? "1" : "0";
    else if (strcmp(ours, "link-state") == 0 && strcasecmp(value, "auto") != 0)
        other = is_yes(value) ? "enable" : "disable";
    else
        for (char *letter = value; *letter != '\0'; letter++)
            *letter = strcmp(ours, "mac") != 0 && *letter == 'Q' ? 'q' : *letter;
    text_printf(&link->options, "%s%s=%s", link->options.length > 0 ? "," : "", ours, other);
}

static void read_function(struct intake_source *source, struct link *link, const char *name, char *value)
{
    if (strcmp(name, "VirtualFunction") == 0) {
        free(link->function);
        link->function = xstrdup(value);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(vf_options); i++)
        if (strcmp(vf_options[i].theirs, name) == 0) {
            add_option(link, vf_options[i].ours, vf_options[i].is_flag, value);
            return;
        }
    intake_leave_out(source, "%s: hostpci has no such setting of a virtual function", name);
}

static void read_match(struct link *link, const char *name, const char *value)
{
    static const char pci[] = "pci-";
    char **into = strcmp(name, "Path") == 0 && text_starts_with(value, pci) ? &link->id : NULL;

    if (strcmp(name, "OriginalName") == 0)
        into = &link->interface;
    if (into == NULL)
        return;
    free(*into);
    *into = xstrdup(into == &link->id ? value + strlen(pci) : value);
}

static void read_link_line(struct intake_source *source, struct link *link, char *line)
{
    char *name, *value;

    if (line[0] == '[') {
        end_section(source, link);
        snprintf(link->section, sizeof(link->section), "%.*s", (int)strcspn(line + 1, "]"), line + 1);
        return;
    }
    if (!split(line, &name, &value))
        return;
    if (strcmp(link->section, "SR-IOV") == 0)
        read_function(source, link, name, value);
    else if (strcmp(link->section, "Match") == 0)
        read_match(link, name, value);
    else if (strcmp(link->section, "Link") == 0 && strcmp(name, "SR-IOVVirtualFunctions") == 0) {
        free(link->count);
        link->count = xstrdup(value);
    }
}

/* What it says about names, speeds and so on is systemd's business. */
static void add_link(struct intake_source *source, struct link *link)
{
    autofree char *highest = xasprintf("%llu", link->functions);
    const char *id = link->id;

    source->line = 0;
    if (link->count == NULL && link->functions == 0) {
        intake_leave_out(source, "it sets no virtual functions");
        return;
    }
    if (id == NULL && link->interface != NULL) {
        id = host_step_find_interface(source, "virtual functions", link->interface);
        if (id == NULL)
            return;
    }
    if (id == NULL)
        intake_leave_out(source, "virtual functions: it names their card neither by Path=pci-ID nor by "
                                 "OriginalName=NAME in [Match]");
    else
        host_step_vfs(source, id, link->count != NULL ? link->count : highest, json_incref(link->settings));
}

void link_file_read(struct intake_source *source)
{
    struct link link = {.settings = json_object()};
    char *rest = source->text;

    for (char *line; (line = next_setting(source, &rest)) != NULL;)
        read_link_line(source, &link, line);
    end_section(source, &link);
    add_link(source, &link);
    json_decref(link.settings);
    free(link.id);
    free(link.interface);
    free(link.count);
}
