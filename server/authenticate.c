/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is asking: the local socket's peer, or the holder of an API token. */
#include "server/authenticate.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

char *authenticate_find_token(const char *authorization)
{
    static const char scheme[] = "PVEAPIToken";

    if (authorization == NULL || !text_starts_with(authorization, scheme))
        return NULL;
    const char *rest = authorization + strlen(scheme);
    if (*rest != '=' && *rest != ' ')
        return NULL;
    char *credential = xstrdup(rest + 1 + strspn(rest + 1, " "));
    MHD_http_unescape(credential);
    return credential;
}

int authenticate(const struct exchange *exchange, struct identity *ret, struct error *err)
{
    autofree char *credential = authenticate_find_token(exchange->authorization);
    const struct peer *peer = exchange->peer;

    if (credential != NULL)
        return access_authenticate_token(exchange->house->service->access, credential, ret, err);
    if (!peer->local || (peer->uid != 0 && peer->uid != exchange->house->owner))
        return error_set(err, ERROR_UNAUTHENTICATED, "No ticket");
    *ret = (struct identity){.user = "root@pam"};
    return 0;
}
