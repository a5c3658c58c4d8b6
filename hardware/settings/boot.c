/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot loader, and where it keeps the kernel's command line. */
#include "hardware/settings/boot.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"

#define GRUB_FILE    "etc/default/grub"
#define GRUB_FOLDER  "etc/default/grub.d"
#define CMDLINE_FILE "etc/kernel/cmdline"
#define UUIDS_FILE   "etc/kernel/proxmox-boot-uuids" /* of the EFI partitions that proxmox-boot-tool serves */
#define VARIABLE     "GRUB_CMDLINE_LINUX_DEFAULT"

/* "systemd-boot 252.39" in UTF-16, after four bytes of attributes. */
static bool is_loaded_by_systemd(const struct sysroot *sysroot, char *evidence, size_t size)
{
    unsigned char bytes[256] = {0};
    char info[sizeof(bytes) / 2] = "";
    int length = sysfs_read_bytes(sysroot_fd(sysroot), SYS_LOADER_INFO, bytes, sizeof(bytes));

    for (int i = 4, k = 0; i + 1 < length; i += 2, k++)
        info[k] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '\0';
    if (!text_starts_with(info, "systemd-boot"))
        return false;
    snprintf(evidence, size, "/" SYS_LOADER_INFO ": %.80s", info);
    return true;
}

/* The stub of systemd and EFI loaders name the initrd in the way of EFI, GRUB names the image. */
static enum boot_kind judge_command_line(const struct sysroot *sysroot, char *evidence, size_t size)
{
    static const struct {
        const char *word;
        enum boot_kind kind;
    } words[] = {{"initrd=\\", BOOT_SYSTEMD}, {"BOOT_IMAGE=", BOOT_GRUB}};
    autofree char *line = NULL;

    if (sysfs_read_whole(sysroot_fd(sysroot), PROC_CMDLINE, 65536, &line) < 0)
        return BOOT_UNKNOWN;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        const char *at = strstr(line, words[i].word);
        if (at == NULL)
            continue;
        snprintf(evidence, size, "/" PROC_CMDLINE ": %.*s", (int)strcspn(at, " "), at);
        return words[i].kind;
    }
    return BOOT_UNKNOWN;
}

static enum boot_kind judge(const struct sysroot *sysroot, char *evidence, size_t size)
{
    int root = sysroot_fd(sysroot);

    if (is_loaded_by_systemd(sysroot, evidence, size))
        return BOOT_SYSTEMD;
    enum boot_kind kind = judge_command_line(sysroot, evidence, size);
    bool grub = sysfs_exists(root, GRUB_FILE), line = sysfs_exists(root, CMDLINE_FILE);
    if (kind == BOOT_SYSTEMD ? line : kind == BOOT_GRUB ? grub : false)
        return kind;
    if (grub || line) {
        snprintf(evidence, size, "/%s exists%s", grub ? GRUB_FILE : CMDLINE_FILE,
                 grub && line ? ", and so does /" CMDLINE_FILE : "");
        return grub ? BOOT_GRUB : BOOT_SYSTEMD;
    }
    snprintf(evidence, size, "there is neither /" GRUB_FILE " nor /" CMDLINE_FILE);
    return BOOT_UNKNOWN;
}

void boot_find(const struct sysroot *sysroot, struct boot *ret)
{
    static const struct boot kinds[] = {
        [BOOT_UNKNOWN] = {BOOT_UNKNOWN, false, "unknown", "", "", ""},
        [BOOT_GRUB] = {BOOT_GRUB, false, "grub", GRUB_FILE, "update-grub", ""},
        [BOOT_SYSTEMD] = {BOOT_SYSTEMD, false, "systemd-boot", CMDLINE_FILE,
                          "kernel-install add $(uname -r) /boot/vmlinuz-$(uname -r)", ""}};
    char evidence[sizeof(ret->evidence)] = "";

    *ret = kinds[judge(sysroot, evidence, sizeof(evidence))];
    memcpy(ret->evidence, evidence, sizeof(evidence));
    ret->proxmox = ret->kind != BOOT_UNKNOWN && sysfs_exists(sysroot_fd(sysroot), UUIDS_FILE);
    if (ret->proxmox)
        ret->refresh = "proxmox-boot-tool refresh";
}

/* Whether a text sets the variable without what it was before. */
static bool sets_anew(const char *text)
{
    for (const char *at = text; (at = strstr(at, VARIABLE "=")) != NULL; at += strlen(VARIABLE)) {
        autofree char *line = xstrndup(at, strcspn(at, "\n"));
        bool comment = false;
        for (const char *start = at; start > text && start[-1] != '\n'; start--)
            comment |= start[-1] == '#';
        if (!comment && strstr(line + strlen(VARIABLE), VARIABLE) == NULL)
            return true;
    }
    return false;
}

/* grub-mkconfig of Debian reads them after the file itself. */
int boot_check_others(const struct sysroot *sysroot, const struct boot *boot, struct error *err)
{
    autolist char **names = NULL;

    if (boot->kind != BOOT_GRUB || sysfs_list(sysroot_fd(sysroot), GRUB_FOLDER, &names) < 0)
        return 0;
    for (char **name = names; *name != NULL; name++) {
        autofree char *file = xasprintf(GRUB_FOLDER "/%s", *name), *text = NULL;
        if (text_ends_with(*name, ".cfg") && sysfs_read_whole(sysroot_fd(sysroot), file, 65536, &text) >= 0 &&
            sets_anew(text))
            return error_set(err, ERROR_CONFLICT,
                             "'/%s' sets " VARIABLE " after '/" GRUB_FILE
                             "' and wins: change the kernel's command line there by hand, then type `%s`",
                             file, boot->refresh);
    }
    return 0;
}

/* Where the value of the variable's last assignment is: from..to, without its quotes. */
struct value {
    size_t from, to;
    char quote; /* 0: none */
};

static int refuse(unsigned number, struct error *err)
{
    return error_set(err, ERROR_CONFLICT,
                     "line %u of '/" GRUB_FILE "' is more than " VARIABLE
                     "=\"WORDS\": change the kernel's command line there by hand, then type `update-grub`",
                     number);
}

/* A shell reads the file. Only one string, without anything that it would expand, is understood here. */
static int read_value(const char *text, size_t at, unsigned number, struct value *ret, struct error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:=/@%+-";
    struct value value = {.from = at};

    if (text[at] == '"' || text[at] == '\'') {
        value.quote = text[at];
        value.from = at + 1;
        const char ends[] = {value.quote, '\n', '\0'};
        value.to = value.from + strcspn(text + value.from, ends);
        if (text[value.to] != value.quote)
            return refuse(number, err);
        for (size_t i = value.from; i < value.to && value.quote == '"'; i++)
            if (strchr("\\$`", text[i]) != NULL)
                return refuse(number, err);
    } else {
        value.to = at + strspn(text + at, plain);
    }
    size_t after = value.to + (value.quote != 0 ? 1 : 0), blanks = strspn(text + after, " \t");
    if (text[after + blanks] != '\0' && text[after + blanks] != '\n' &&
        (text[after + blanks] != '#' || blanks == 0))
        return refuse(number, err);
    *ret = value;
    return 0;
}

/* 1: found; 0: the file does not set it. */
static int find_value(const char *text, struct value *ret, struct error *err)
{
    int found = 0;
    unsigned number = 1;

    for (const char *line = text; *line != '\0'; number++) {
        const char *end = line + strcspn(line, "\n"), *at = line + strspn(line, " \t");
        if (text_starts_with(at, "export "))
            at += strlen("export ") + strspn(at + strlen("export "), " \t");
        if (text_starts_with(at, VARIABLE "+="))
            return refuse(number, err);
        if (text_starts_with(at, VARIABLE "=")) {
            if (read_value(text, (size_t)(at - text) + strlen(VARIABLE "="), number, ret, err) != 0)
                return -1;
            found = 1;
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return found;
}

int boot_read_line(const struct boot *boot, const char *text, char **ret, struct error *err)
{
    struct value value;

    if (boot->kind != BOOT_GRUB) {
        autofree char *copy = xstrdup(text);
        *ret = xstrdup(text_trim(copy));
        return 0;
    }
    int found = find_value(text, &value, err);
    if (found >= 0)
        *ret = found > 0 ? xstrndup(text + value.from, value.to - value.from) : xstrdup("");
    return found < 0 ? -1 : 0;
}

int boot_change_line(const struct boot *boot, const char *text, const char *line, char **ret,
                     struct error *err)
{
    struct value value = {.from = 0};

    if (boot->kind != BOOT_GRUB) {
        *ret = xasprintf("%s\n", line);
        return 0;
    }
    int found = find_value(text, &value, err);
    if (found < 0)
        return -1;
    if (found == 0) {
        size_t length = strlen(text);
        *ret = xasprintf("%s%s" VARIABLE "=\"%s\"\n", text,
                         length > 0 && text[length - 1] != '\n' ? "\n" : "", line);
        return 0;
    }
    const char *quote = value.quote != 0 || line[strcspn(line, " \t;")] == '\0' ? "" : "\"";
    *ret = xasprintf("%.*s%s%s%s%s", (int)value.from, text, quote, line, quote, text + value.to);
    return 0;
}
