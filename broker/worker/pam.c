/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation pam: asks PAM whether a user of this host has that password. It runs in a worker since PAM's
 * modules may take long, change signal handlers or crash, and as root since nobody else reads /etc/shadow. */
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/worker.h"

#define SERVICE  "hostpci" /* /etc/pam.d/hostpci; where that is missing, /etc/pam.d/other decides */
#define PATIENCE 30

const struct schema operation_pam_arguments[] = {
    {.name = "user", .type = SCHEMA_STRING, .pattern = "[^\\s:/]+", .max_length = 64},
    {.name = "password", .type = SCHEMA_STRING, .max_length = 512},
    {.name = NULL}};

static void forget(struct pam_response *replies, int count)
{
    for (int i = 0; i < count; i++)
        free(replies[i].resp);
    free(replies);
}

/* Modules ask by prompts. The one that hides what is typed wants the password; another question, such as one
 * for a second factor, cannot be answered here. PAM frees the replies. */
static int answer(int count, const struct pam_message **messages, struct pam_response **ret, void *context)
{
    if (count < 1 || count > PAM_MAX_NUM_MSG)
        return PAM_CONV_ERR;
    struct pam_response *replies = xcalloc((size_t)count, sizeof(*replies));
    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        if (style == PAM_PROMPT_ECHO_ON) {
            forget(replies, count);
            return PAM_CONV_ERR;
        }
        replies[i].resp = style == PAM_PROMPT_ECHO_OFF ? xstrdup(context) : NULL;
    }
    *ret = replies;
    return PAM_SUCCESS;
}

/* The next attempt for the user waits (broker/daemon/turns.h), without keeping a worker busy. */
static void wait_not(int status, unsigned microseconds, void *context)
{
    (void)status;
    (void)microseconds;
    (void)context;
}

static int check_password(struct worker *worker, json_t **ret, struct error *err)
{
    const char *user = json_string_value(json_object_get(worker->arguments, "user"));
    const char *password = json_string_value(json_object_get(worker->arguments, "password"));
    const struct pam_conv conversation = {answer, (void *)(uintptr_t)password};
    pam_handle_t *pam = NULL;

    if (!sysroot_is_host(worker->sysroot))
        return error_set(err, ERROR_FAILED,
                         "PAM knows only the users of this host, and --sysroot names another one");
    int result = pam_start(SERVICE, user, &conversation, &pam);
    if (result == PAM_SUCCESS)
        result = pam_set_item(pam, PAM_FAIL_DELAY, (const void *)wait_not);
    if (result == PAM_SUCCESS)
        result = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (result == PAM_SUCCESS)
        result = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (result != PAM_SUCCESS)
        error_set(err, ERROR_UNAUTHENTICATED, "PAM: %s", pam_strerror(pam, result));
    pam_end(pam, result);
    if (result != PAM_SUCCESS)
        return -1;
    *ret = json_object();
    return 0;
}

const struct operation operation_pam = {
    .name = "pam",
    .text = "Asks PAM whether a user of this host has that password.",
    .arguments = operation_pam_arguments,
    .patience = PATIENCE,
    .turn = "user",
    .run = check_password,
};
