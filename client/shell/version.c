/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci version`: what a report about an error should say. */
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <microhttpd.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <seccomp.h>
#include <sqlite3.h>
#include <sys/utsname.h>
#include <yaml.h>
#include <zlib.h>

#include "base/memory.h"
#include "client/shell/shell.h"

static void add_line(struct text *text, const char *name, const char *version)
{
    text_printf(text, "%s: %s\n", name, version);
}

/* The versions of what runs, which may be newer than what it was compiled with. */
static void add_libraries(struct text *text)
{
    const struct scmp_version *seccomp = seccomp_version();
    char pcre[64] = "unknown";

    pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    autofree char *filter = xasprintf("%u.%u.%u", seccomp->major, seccomp->minor, seccomp->micro);
    add_line(text, "libmicrohttpd", MHD_get_version());
    add_line(text, "gnutls", gnutls_check_version(NULL));
    add_line(text, "sqlite", sqlite3_libversion());
    add_line(text, "jansson", jansson_version_str());
    add_line(text, "pcre2", pcre);
    add_line(text, "libyaml", yaml_get_version_string());
    add_line(text, "libseccomp", filter);
    add_line(text, "zlib", zlibVersion());
}

int shell_version(int argc, char **argv)
{
    autooptions struct options options = {0};
    autotext struct text text = {0};
    struct utsname host;
    struct error err;

    if (options_parse(argc, argv, OPTIONS_VERSION, METHOD_COUNT, &options, &err) != 0)
        return shell_complain(&err);
    if (options.argument != NULL) {
        error_set(&err, ERROR_INVALID, "'%s' takes no argument", argv[0]);
        return shell_complain(&err);
    }
    text_append(&text, "hostpci " VERSION "\n");
    if (options.verbose && uname(&host) == 0) {
        autofree char *kernel = xasprintf("%s %s %s", host.sysname, host.release, host.machine);
        add_line(&text, "kernel", kernel);
        add_line(&text, "compiler", __VERSION__);
        add_libraries(&text);
        text_append(
            &text,
            "`hostpci get /nodes/localhost/capabilities/qemu/machines` tells what QEMU here can do.\n");
    }
    return shell_write(text_string(&text));
}
