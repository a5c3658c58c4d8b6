/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of the page. The assembler, which runs in the top folder, puts them into the binary. */
#include "server/request/asset_web.h"

#define EMBED(name, path)                                                                                    \
    __asm__(".pushsection .rodata\n"                                                                         \
            ".global " #name ", " #name "_end\n"                                                             \
            ".hidden " #name ", " #name "_end\n" #name ":\n"                                                 \
            ".incbin \"" path "\"\n" #name "_end:\n"                                                         \
            ".byte 0\n"                                                                                      \
            ".popsection\n")

#define WEB_FILE(name, path, file, type) EMBED(web_##name, file);
#include "server/request/asset_web.def"
