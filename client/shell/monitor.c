/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A prompt for QEMU's monitor. */
#include "client/shell/monitor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define LINE_SIZE 4096
#define PROMPT    "qm> "

/* A line without its end and the blanks around it; NULL at the end of the input. A longer one is cut, and its
 * rest is the next line. */
static char *read_command(char line[static LINE_SIZE])
{
    if (isatty(STDIN_FILENO)) {
        fputs(PROMPT, stdout);
        fflush(stdout);
    }
    if (fgets(line, LINE_SIZE, stdin) == NULL)
        return NULL;
    size_t length = strlen(line);
    while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
        line[--length] = '\0';
    return line + strspn(line, " \t");
}

static int run_command(const struct options *options, const struct shell_call *call, const char *command)
{
    autooptions struct options own = *options;

    own.parameters = NULL;
    own.count = 0;
    options_add(&own, "command", command);
    return shell_request(&own, call);
}

int monitor_run(const struct options *options, const struct shell_call *call, const char *vmid)
{
    char line[LINE_SIZE], *command;
    int status = SHELL_DONE;

    if (isatty(STDIN_FILENO))
        printf("Entering QEMU Monitor for VM %s - type 'help' for help\n", vmid);
    while ((command = read_command(line)) != NULL && strcmp(command, "quit") != 0 &&
           strcmp(command, "q") != 0)
        if (command[0] != '\0')
            status = run_command(options, call, command);
    return status;
}
