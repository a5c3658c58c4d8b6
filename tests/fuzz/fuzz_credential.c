/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any line as the header Cookie, the next as Authorization: what is found in them, and taken apart as an API
 * token, is there as it was written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/token.h"
#include "base/memory.h"
#include "server/request/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_token(const char *credential)
{
    struct identity who;
    const char *secret;

    if (!token_split(credential, &who, &secret))
        return;
    autofree char *again = xasprintf("%s!%s=%s", who.user, who.token, secret);
    if (strcmp(again, credential) != 0 || who.user[0] == '\0' || who.token[0] == '\0' ||
        strpbrk(who.token, "!") != NULL || strchr(secret, '=') != NULL)
        abort();
}

static void check_found(const char *cookie, const char *authorization)
{
    autofree char *found = NULL;

    switch (credential_find(cookie, authorization, &found)) {
    case CREDENTIAL_NONE:
        if (found != NULL)
            abort();
        return;
    case CREDENTIAL_TICKET:
        if (*found == '\0')
            abort();
        return;
    case CREDENTIAL_TOKEN:
        check_token(found);
        return;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autofree char *text = xstrndup((const char *)data, size);
    size_t line = strcspn(text, "\n");
    autofree char *authorization = xstrdup(text[line] != '\0' ? text + line + 1 : "");

    text[line] = '\0';
    check_found(text, authorization);
    check_found(NULL, authorization);
    check_found(text, NULL);
    check_token(authorization);
    return 0;
}
