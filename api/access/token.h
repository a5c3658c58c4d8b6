/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declarations that users and their tokens share. */
#ifndef HOSTPCI_API_ACCESS_TOKEN_H
#define HOSTPCI_API_ACCESS_TOKEN_H

#include "access/token.h"
#include "schema/endpoint.h"

#define PARAMETER_USERID                                                                                     \
    {.name = "userid", .type = SCHEMA_STRING, .format = "pve-userid", .max_length = 64, .text = "NAME@REALM"}
#define PARAMETER_TOKENID                                                                                    \
    {.name = "tokenid",                                                                                      \
     .type = SCHEMA_STRING,                                                                                  \
     .pattern = TOKENID_PATTERN,                                                                             \
     .max_length = 128,                                                                                      \
     .text = "Name of the token."}
#define TOKEN_SETTINGS                                                                                       \
    {.name = "comment", .type = SCHEMA_STRING, .optional = true, .max_length = 1024},                        \
        {.name = "expire",                                                                                   \
         .type = SCHEMA_INTEGER,                                                                             \
         .optional = true,                                                                                   \
         .range = AT_LEAST(0),                                                                               \
         .fallback = "same as user",                                                                         \
         .text = "When it expires, in seconds since 1970; 0: never."},                                       \
        {.name = "privsep",                                                                                  \
         .type = SCHEMA_BOOLEAN,                                                                             \
         .optional = true,                                                                                   \
         .fallback = "1",                                                                                    \
         .text = "1: it has only those of its user's privileges that are granted to the token, too."}

#endif
