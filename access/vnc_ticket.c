/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets for consoles. */
#include "access/vnc_ticket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/internal.h"
#include "base/memory.h"

#define PREFIX      "PVEVNC:"
#define TIME_DIGITS 8
#define BASE64      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static char *content_of(uint32_t made, const char *who, const char *path, long long port)
{
    return xasprintf(PREFIX "%08" PRIX32 ":%s:%s:%lld", made, who, path, port);
}

const char *vnc_ticket_start(const char *ticket)
{
    size_t before = VNC_PASSWORD_SIZE;

    return strlen(ticket) > before && strncmp(ticket + before, PREFIX, strlen(PREFIX)) == 0 ? ticket + before
                                                                                            : ticket;
}

int vnc_ticket_make(struct access *access, const char *who, const char *path, long long port, char **ret,
                    struct error *err)
{
    uint32_t now = (uint32_t)time(NULL);
    autofree char *content = content_of(now, who, path, port), *signature = NULL;

    if (access->keys == NULL)
        return error_set(err, ERROR_FAILED, "there are no keys to sign tickets with");
    if (keys_sign(access->keys, content, &signature, err) != 0)
        return -1;
    *ret = xasprintf(PREFIX "%08" PRIX32 "::%s", now, signature);
    return 0;
}

bool vnc_ticket_check(struct access *access, const char *ticket, const char *who, const char *path,
                      long long port)
{
    const char *digits = vnc_ticket_start(ticket) + strlen(PREFIX);
    char text[TIME_DIGITS + 1] = "";
    time_t now = time(NULL);

    if (access->keys == NULL || strncmp(vnc_ticket_start(ticket), PREFIX, strlen(PREFIX)) != 0 ||
        strspn(digits, "0123456789ABCDEF") != TIME_DIGITS || strncmp(digits + TIME_DIGITS, "::", 2) != 0)
        return false;
    memcpy(text, digits, TIME_DIGITS);
    uint32_t stamp = (uint32_t)strtoul(text, NULL, 16);
    time_t made = keys_time_near(stamp, now);
    if (now - made >= VNC_TICKET_SECONDS || made - now >= VNC_TICKET_SKEW)
        return false;
    const char *signature = digits + TIME_DIGITS + 2;
    if (signature[0] == '\0' || signature[strspn(signature, BASE64 "=")] != '\0')
        return false;
    autofree char *content = content_of(stamp, who, path, port);
    return keys_verify(access->keys, content, strlen(content), signature, made, now);
}

/* 64 characters from 0x21 on, which RFB can send. */
void vnc_ticket_password(struct access *access, const char *ticket, char ret[static VNC_PASSWORD_SIZE])
{
    autofree char *content = xasprintf("password of %s", vnc_ticket_start(ticket));
    char code[KEYS_CODE_SIZE];

    keys_code(access->keys, content, code);
    for (size_t i = 0; i < VNC_PASSWORD_SIZE - 1; i++)
        ret[i] = (char)(0x21 + (strchr(BASE64, code[i]) - BASE64));
    ret[VNC_PASSWORD_SIZE - 1] = '\0';
}
