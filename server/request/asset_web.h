/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of the page (asset_web.def), as bytes in the binary. Each ends where its _end is. */
#ifndef HOSTPCI_SERVER_REQUEST_ASSET_WEB_H
#define HOSTPCI_SERVER_REQUEST_ASSET_WEB_H

#define WEB_FILE(name, path, file, type) extern const char web_##name[], web_##name##_end[];
#include "server/request/asset_web.def"
#undef WEB_FILE

#endif
