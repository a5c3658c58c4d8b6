/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the host: the kernel, its command line, the CPU. */
#include "hardware/facts/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/facts/parts.h"
#include "hardware/host.h"
#include "hardware/paths.h"

#define MOST_CMDLINE 65536
#define MOST_CPUINFO (16 * 1024 * 1024)

static const char *reason_of(const struct facts *facts, int number)
{
    if (number == -ENOENT || number == -ENOTDIR)
        return "absent";
    if (number == -EPERM && facts->lockdown)
        return "hidden by the kernel's lockdown";
    if (number == -EACCES || number == -EPERM)
        return "root needed";
    return strerror(-number);
}

void facts_note(struct facts *facts, const char *file, int number, bool expected)
{
    size_t i;
    json_t *entry;

    if (number >= 0 || ((number == -ENOENT || number == -ENOTDIR) && !expected))
        return;
    json_array_foreach(facts->unreadable, i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "file")), file) == 0)
            return;
    }
    json_array_append_new(facts->unreadable,
                          json_pack("{s:s, s:s}", "file", file, "reason", reason_of(facts, number)));
}

const char *facts_read_lazily(struct facts *facts, struct lazy_text *text, const char *file, size_t limit)
{
    if (text->asked)
        return text->text;
    text->asked = true;
    text->file = xstrdup(file);
    int length = sysfs_read_whole(sysroot_fd(facts->sysroot), file, limit, &text->text);
    if (length < 0)
        facts_note(facts, file, length, true);
    return text->text;
}

static void read_kernel(struct facts *facts)
{
    int root = sysroot_fd(facts->sysroot);
    unsigned major, minor;
    char modes[128];

    if (sysfs_read(root, SYS_LOCKDOWN, modes, sizeof(modes)) > 0)
        facts->lockdown = strstr(modes, "[none]") == NULL;
    int length = host_kernel_release(facts->sysroot, facts->release, sizeof(facts->release));
    if (length < 0 || strchr(facts->release, '/') != NULL) {
        facts_note(facts, PROC_OSRELEASE, length < 0 ? length : -EINVAL, true);
        facts->release[0] = '\0';
    }
    if (sscanf(facts->release, "%u.%u", &major, &minor) == 2 && major < 1000 && minor < 1000)
        facts->version = major * 1000 + minor;
    length = sysfs_read_whole(root, PROC_CMDLINE, MOST_CMDLINE, &facts->cmdline);
    facts->cmdline_known = length >= 0;
    if (length < 0) {
        facts_note(facts, PROC_CMDLINE, length, true);
        facts->cmdline = xstrdup("");
    }
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static void read_cpu_line(struct cpu_facts *cpu, const char *name, const char *value)
{
    if (strcmp(name, "vendor_id") == 0)
        cpu->vendor = strcmp(value, "GenuineIntel") == 0   ? CPU_INTEL
                      : strcmp(value, "AuthenticAMD") == 0 ? CPU_AMD
                      : strcmp(value, "HygonGenuine") == 0 ? CPU_AMD
                                                           : CPU_OTHER;
    else if (strcmp(name, "model name") == 0)
        snprintf(cpu->model, sizeof(cpu->model), "%s", value);
    else if (strcmp(name, "address sizes") == 0 && sscanf(value, "%u bits", &cpu->physical_bits) != 1)
        cpu->physical_bits = 0;
    else if (strcmp(name, "flags") == 0) {
        cpu->virtualizes = has_word(value, "vmx") || has_word(value, "svm") ? ANSWER_YES : ANSWER_NO;
        cpu->hypervisor = has_word(value, "hypervisor");
    }
}

/* Reads up to the empty line after the first CPU; all others are like it. */
void facts_read_cpu(struct facts *facts)
{
    autofree char *text = NULL;
    int length = sysfs_read_whole(sysroot_fd(facts->sysroot), PROC_CPUINFO, MOST_CPUINFO, &text);

    if (length < 0) {
        facts_note(facts, PROC_CPUINFO, length, true);
        return;
    }
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        char *name = strsep(&line, ":");
        if (line != NULL)
            read_cpu_line(&facts->cpu, text_trim(name), text_trim(line));
    }
    if (facts->cpu.virtualizes == ANSWER_NO && sysfs_exists(sysroot_fd(facts->sysroot), SYS_CLASS_KVM))
        facts->cpu.virtualizes = ANSWER_YES;
}

void facts_read(const struct sysroot *sysroot, struct facts *ret)
{
    *ret = (struct facts){.sysroot = sysroot, .unreadable = json_array()};
    read_kernel(ret);
    facts_read_cpu(ret);
    facts_read_firmware(ret);
    facts_read_iommu(ret);
    facts_read_interrupts(ret);
    host_settings_read(sysroot, &ret->settings);
    if (ret->settings.denied != NULL)
        facts_note(ret, ret->settings.denied, ret->settings.error, true);
}

static void release_lazy(struct lazy_text *text)
{
    free(text->text);
    free(text->file);
}

void facts_release(struct facts *facts)
{
    free(facts->cmdline);
    host_settings_release(&facts->settings);
    json_decref(facts->unreadable);
    release_lazy(&facts->config);
    release_lazy(&facts->builtin);
    release_lazy(&facts->dependencies);
    release_lazy(&facts->log);
}

/* Moves *at to the next parameter, in which blanks may stand between quotes; returns the end of it. */
static const char *next_parameter(const char **at)
{
    bool quoted = false;
    const char *end;

    *at += strspn(*at, " \t\n");
    for (end = *at; *end != '\0' && (quoted || strchr(" \t\n", *end) == NULL); end++)
        quoted ^= *end == '"';
    return end;
}

/* The value of a parameter, "" if it has none; NULL if the parameter has another name. */
static const char *value_of(const char *parameter, const char *end, const char *name)
{
    autofree char *own = xstrndup(parameter, strcspn(parameter, "= \t\n"));

    if (!module_name_equal(own, name))
        return NULL;
    parameter += strlen(own);
    return parameter < end && *parameter == '=' ? parameter + 1 : parameter;
}

const char *facts_find_parameter(const struct facts *facts, const char *name, size_t *length)
{
    const char *found = NULL;

    for (const char *at = facts->cmdline, *end; end = next_parameter(&at), at < end; at = end)
        if (value_of(at, end, name) != NULL) {
            found = at;
            *length = (size_t)(end - at);
        }
    return found;
}

bool facts_parameter(const struct facts *facts, const char *name, char *value, size_t size)
{
    bool found = false;

    for (const char *at = facts->cmdline, *end; end = next_parameter(&at), at < end; at = end) {
        const char *own = value_of(at, end, name);
        if (own == NULL)
            continue;
        found = true;
        snprintf(value, size, "%.*s", (int)(end - own), own);
    }
    return found;
}

bool facts_parameter_says(const struct facts *facts, const char *name, const char *word, const char *unless)
{
    bool says = false;

    for (const char *at = facts->cmdline, *end; end = next_parameter(&at), at < end; at = end) {
        const char *own = value_of(at, end, name);
        autofree char *copy = own != NULL ? xstrndup(own, (size_t)(end - own)) : NULL;
        char *rest = copy;
        for (char *value; (value = strsep(&rest, ",")) != NULL;) {
            says |= strcmp(value, word) == 0;
            says &= unless == NULL || strcmp(value, unless) != 0;
        }
    }
    return says;
}

const char *facts_default_domain(struct facts *facts, const struct groups *groups)
{
    char type[sizeof(facts->domain)];

    for (size_t i = 0; i < groups_count(groups) && !facts->domain_asked; i++) {
        struct host_path file = path_of_group(groups_at(groups, i).list[0]->group, "type");
        int length = sysfs_read(sysroot_fd(facts->sysroot), file.text, type, sizeof(type));
        facts_note(facts, file.text, length, false);
        if (length <= 0)
            continue;
        bool mixed = facts->domain[0] != '\0' && strcmp(facts->domain, type) != 0;
        snprintf(facts->domain, sizeof(facts->domain), "%s", mixed ? "mixed" : type);
        if (mixed)
            break;
    }
    facts->domain_asked = true;
    return facts->domain;
}
