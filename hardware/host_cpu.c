/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPUs of the host. */
#include "hardware/host_cpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

static const struct {
    const char *line, *key;
} texts[] = {
    {"model name", "model"}, {"vendor_id", "vendor"}, {"cpu family", "family"},
    {"cpu MHz", "mhz"},      {"flags", "flags"},
};

struct count {
    json_int_t cpus;
    json_t *sockets; /* sets, of which only the keys matter */
    json_t *cores;
    char socket[16]; /* of the CPU that is being read; "physical id" comes before "core id" */
};

static void count_line(struct count *count, const char *name, const char *value)
{
    char core[64];

    if (strcmp(name, "processor") == 0) {
        count->cpus++;
        count->socket[0] = '\0';
    } else if (strcmp(name, "physical id") == 0) {
        snprintf(count->socket, sizeof(count->socket), "%s", value);
        json_object_set_new(count->sockets, count->socket, json_true());
    } else if (strcmp(name, "core id") == 0) {
        snprintf(core, sizeof(core), "%s %s", count->socket, value);
        json_object_set_new(count->cores, core, json_true());
    }
}

/* The first CPU speaks for all. */
static void keep_text(json_t *cpu, const char *name, const char *value)
{
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (strcmp(name, texts[i].line) == 0 && json_object_get(cpu, texts[i].key) == NULL)
            json_object_set_new(cpu, texts[i].key, json_string(value));
}

static void read_lines(char *text, json_t *cpu, struct count *count)
{
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        char *name = strsep(&line, ":");
        if (line == NULL)
            continue;
        const char *value = text_trim(line);
        name = text_trim(name);
        count_line(count, name, value);
        keep_text(cpu, name, value);
    }
}

static bool has_flag(const json_t *cpu, const char *flag)
{
    const char *flags = json_string_value(json_object_get(cpu, "flags"));
    size_t length = strlen(flag);

    for (const char *at = flags; (at = strstr(at, flag)) != NULL; at += length)
        if ((at == flags || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* On virtual machines and other architectures the lines about sockets and cores may be missing. */
static json_int_t size_or(const json_t *set, json_int_t otherwise)
{
    return json_object_size(set) > 0 ? (json_int_t)json_object_size(set) : otherwise;
}

json_t *host_cpu_describe(char *text)
{
    autojson json_t *cpu = json_object(), *sockets = json_object(), *cores = json_object();
    struct count count = {.sockets = sockets, .cores = cores};

    read_lines(text, cpu, &count);
    if (count.cpus == 0)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (json_object_get(cpu, texts[i].key) == NULL)
            json_object_set_new(cpu, texts[i].key, json_string(""));
    bool hvm = has_flag(cpu, "vmx") || has_flag(cpu, "svm");
    json_object_set_new(cpu, "hvm", json_string(hvm ? "1" : "0"));
    json_object_set_new(cpu, "user_hz", json_integer(sysconf(_SC_CLK_TCK)));
    json_object_set_new(cpu, "cpus", json_integer(count.cpus));
    json_object_set_new(cpu, "cores", json_integer(size_or(cores, count.cpus)));
    json_object_set_new(cpu, "sockets", json_integer(size_or(sockets, 1)));
    return TAKE(cpu);
}
