/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host and of devices: what the kernel's log says.
 *
 * Sources: drivers/iommu/intel (dmar.c, iommu.c), drivers/iommu/amd/iommu.c ("Event logged [",
 * "Completion-Wait loop timed out"), drivers/iommu/arm, drivers/iommu/iommu.c ("1:1 IOMMU mapping"),
 * drivers/pci/pci.c ("giving up"), drivers/pci/setup-res.c and drivers/base/dd.c of the Linux kernel.
 * "relaxable" is what a kernel says that is patched to ignore the firmware's reserved memory. */
#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

#define MOST_KINDS  64
#define MOST_LINES  5
#define MASK_LENGTH 5 /* digits of what is taken for a number that may differ */

/* Lines that differ in numbers only. */
struct kind {
    const char *line;
    size_t length, times;
    size_t at; /* of what was looked for */
};

/* The length of a number at the start of the text: "0x..." or many hexadecimal digits; 0: none is there. */
static size_t number_length(const char *text, size_t length)
{
    size_t prefix = length > 2 && text[0] == '0' && text[1] == 'x' ? 2 : 0, digits = prefix;

    while (digits < length && isxdigit((unsigned char)text[digits]))
        digits++;
    return digits - prefix >= (prefix > 0 ? 1 : MASK_LENGTH) ? digits : 0;
}

static bool is_same_kind(const struct kind *kind, const char *line, size_t length)
{
    size_t i = 0, j = 0;

    while (i < kind->length && j < length) {
        size_t first = number_length(kind->line + i, kind->length - i),
               second = number_length(line + j, length - j);
        if (first > 0 && second > 0) {
            i += first;
            j += second;
        } else if (kind->line[i++] != line[j++])
            return false;
    }
    return i == kind->length && j == length;
}

/* As a word of its own: in "0000:01:00.0" there is no "1:00.0". */
static bool has_word(const char *line, size_t length, const char *word)
{
    size_t size = strlen(word);
    const char *end = line + length;

    for (const char *at = line; (at = memmem(at, (size_t)(end - at), word, size)) != NULL; at++) {
        bool starts = at == line || (!isxdigit((unsigned char)at[-1]) && at[-1] != ':');
        if (starts && (at + size == end || !isxdigit((unsigned char)at[size])))
            return true;
    }
    return false;
}

/* Intel's driver leaves the domain out: "Request device [01:00.0]". */
static bool names_function(const char *line, size_t length, const char *id)
{
    return has_word(line, length, id) ||
           (strncmp(id, "0000:", 5) == 0 && has_word(line, length, id + strlen("0000:")));
}

static int find_pattern(const char *line, size_t length, const struct log_pattern *patterns, size_t count,
                        size_t *at)
{
    for (size_t i = 0; i < count; i++) {
        const char *first = memmem(line, length, patterns[i].first, strlen(patterns[i].first));
        const char *second = first == NULL || patterns[i].second == NULL
                                 ? first
                                 : memmem(line, length, patterns[i].second, strlen(patterns[i].second));
        if (second == NULL)
            continue;
        *at = (size_t)(second - line);
        return (int)i;
    }
    return -1;
}

static void count_line(struct kind *kinds, size_t *count, const char *line, size_t length, size_t at)
{
    for (size_t i = 0; i < *count; i++)
        if (is_same_kind(&kinds[i], line, length)) {
            kinds[i].times++;
            return;
        }
    if (*count < MOST_KINDS)
        kinds[(*count)++] = (struct kind){.line = line, .length = length, .times = 1, .at = at};
}

static void show_kinds(const struct facts *facts, const struct kind *kinds, size_t count,
                       struct text *evidence)
{
    for (size_t i = 0; i < count && i < MOST_LINES; i++) {
        text_append(evidence, evidence->length > 0 ? "; " : "");
        if (strstr(text_string(evidence), facts->log.file) == NULL)
            text_printf(evidence, "/%s: ", facts->log.file);
        append_excerpt(evidence, kinds[i].line, kinds[i].length, kinds[i].at);
        if (kinds[i].times > 1)
            text_printf(evidence, " (%zu times)", kinds[i].times);
    }
    if (count > MOST_LINES)
        text_printf(evidence, "; and %zu more of other kinds", count - MOST_LINES);
}

int evidence_log_lines(struct facts *facts, struct text *evidence, const struct log_pattern *patterns,
                       size_t count, const char *id)
{
    const char *line = facts_kernel_log(facts);
    struct kind kinds[MOST_KINDS];
    size_t found = 0, at = 0;
    int first = -1;

    for (const char *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        size_t length = (size_t)(end - line);
        int pattern = find_pattern(line, length, patterns, count, &at);
        if (pattern < 0 || (id != NULL && !names_function(line, length, id)))
            continue;
        first = first < 0 || pattern < first ? pattern : first;
        count_line(kinds, &found, line, length, at);
    }
    show_kinds(facts, kinds, found, evidence);
    return first;
}

bool evidence_log(struct facts *facts, struct text *evidence, const char *first, const char *second)
{
    return evidence_log_lines(facts, evidence, &(const struct log_pattern){first, second}, 1, NULL) >= 0;
}

void remedy_see_log(const struct facts *facts, struct remedy *remedy)
{
    text_append(&remedy->lines, facts->cpu.vendor == CPU_OTHER ? "dmesg | grep -i -e iommu -e smmu\n"
                                                               : "dmesg | grep -e DMAR -e IOMMU -e AMD-Vi\n");
}

/* The kernel says "DMAR: IOMMU enabled" because of intel_iommu=on, even where there is no IOMMU. */
static void check_log_enabled(const struct subject *subject, struct findings *ret)
{
    static const struct {
        const char *driver, *first, *second;
    } lines[] = {
        {"intel-iommu", "DMAR: Intel(R) Virtualization Technology for Directed I/O", NULL},
        {"intel-iommu", "DMAR", "nabled"},
        {"amd-iommu", "AMD-Vi", "nabled"},
        {"amd-iommu", "AMD-Vi: Found IOMMU", NULL},
        {"", "iommu: Default domain type", NULL},
    };
    struct facts *facts = subject->facts;

    if (!subject->inventory->has_iommu)
        return;
    if (facts_kernel_log(facts) == NULL) {
        remedy_see_log(facts, &ret->remedy);
        text_append(&ret->evidence, "/dev/kmsg: cannot be read");
        findings_add(ret, SEVERITY_INFO,
                     "The kernel log cannot be read, so what the kernel said about the IOMMU is unknown.");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        if (lines[i].driver[0] == '\0' || strcmp(lines[i].driver, facts->iommu.driver) == 0)
            evidence_log(facts, &ret->evidence, lines[i].first, lines[i].second);
    if (ret->evidence.length > 0) {
        findings_add(ret, SEVERITY_OK, "The kernel reported at boot that it uses the IOMMU.");
        return;
    }
    text_printf(&ret->evidence, "/%s: no line with DMAR, IOMMU or AMD-Vi and 'enabled'", facts->log.file);
    findings_add(ret, SEVERITY_INFO,
                 "The kernel log no longer has what the kernel said about the IOMMU at boot.");
}

static const struct check kernel_log_iommu_check = {
    .id = "kernel-log-iommu",
    .scope = CHECK_HOST,
    .section = MANUAL_FINISH,
    .sentence = "dmesg | grep -e DMAR -e IOMMU -e AMD-Vi should display that IOMMU, Directed I/O or "
                "Interrupt Remapping is enabled.",
    .text = "those lines of the kernel log",
    .run = check_log_enabled,
};

static const struct log_pattern iommu_problems[] = {
    {"DMAR", "[Firmware Bug]"},   {"DMAR", "[Firmware Warn]"}, {"DMAR", "relaxable"},
    {"DMAR", " fault"},           {"DMAR", "ailed"},           {"DMAR", "erratum"},
    {"DMAR", "Invalidation"},     {"DMAR", "ineligible"},      {"AMD-Vi", "[Firmware"},
    {"AMD-Vi", "Event logged ["}, {"AMD-Vi", "_FAULT"},        {"AMD-Vi", "IOTLB_INV"},
    {"AMD-Vi", "timed out"},      {"AMD-Vi", "ailed"},         {"arm-smmu", "event"},
    {"arm-smmu", " fault"},       {"arm-smmu", "timeout"},     {"1:1 IOMMU mapping", NULL},
};

static void check_log_problems(const struct subject *subject, struct findings *ret)
{
    if (evidence_log_lines(subject->facts, &ret->evidence, iommu_problems, COUNT_OF(iommu_problems), NULL) <
        0)
        return;
    remedy_see_log(subject->facts, &ret->remedy);
    text_append(&ret->remedy.lines, "# then ask the vendor of the board for a newer firmware (BIOS/UEFI)\n");
    findings_add(ret, SEVERITY_WARNING, "The kernel complained about the IOMMU or its firmware tables.");
}

static const struct check kernel_log_problems_check = {
    .id = "kernel-log-problems",
    .scope = CHECK_HOST,
    .section = MANUAL_GENERAL,
    .sentence = "it is not guaranteed that everything will work out of the box, due to bad hardware "
                "implementation and missing or low quality drivers.",
    .text = "lines of the kernel log on firmware bugs and DMA faults",
    .run = check_log_problems,
};

/* Words as they are in complaints alone: " fault" is not in "default", and firmware that fails to load is no
 * refusal. The worst first, since the message tells of one. What puts it to sleep is for the check
 * power-state. */
static const struct log_pattern device_problems[] = {
    {"ineligible", NULL},    {"1:1 IOMMU mapping", NULL},    {"giving up", NULL},
    {"can't reserve", NULL}, {"probe", "failed with error"}, {"Event logged [", NULL},
    {" fault", NULL},        {"Invalidation", NULL},         {"timed out", NULL},
    {"no space for", NULL},  {"Invalid PCI ROM", NULL},
};
#define RESERVED "the firmware reserves memory of the host for it"
#define STRAY    "it accessed memory that it may not, or did not answer the IOMMU"
static const char *const device_meanings[COUNT_OF(device_problems)] = {
    RESERVED,
    RESERVED,
    "it did not come back after a reset, until the host is without power",
    "something else on the host has its memory: a driver, or the firmware's framebuffer",
    "a driver refused it",
    STRAY,
    STRAY,
    STRAY,
    "it did not answer in time",
    "the firmware left no address space for it",
    "its ROM cannot be read",
};

static void check_log_device(const struct subject *subject, struct findings *ret)
{
    int problem = evidence_log_lines(subject->facts, &ret->evidence, device_problems,
                                     COUNT_OF(device_problems), subject->id);

    if (problem < 0)
        return;
    text_printf(&ret->remedy.lines, "dmesg | grep %s\n",
                subject->id + (strncmp(subject->id, "0000:", 5) == 0 ? 5 : 0));
    findings_add(ret, SEVERITY_WARNING, "The kernel complained about it since the boot: %s.",
                 device_meanings[problem]);
}

static const struct check kernel_log_device_check = {
    .id = "kernel-log-device",
    .scope = CHECK_DEVICE,
    .section = MANUAL_NOTHING,
    .text = "lines of the kernel log that name it: refused, not reset, memory in use, DMA faults",
    .run = check_log_device,
};

const struct check *const checks_log[] = {&kernel_log_iommu_check, &kernel_log_problems_check,
                                          &kernel_log_device_check, NULL};
