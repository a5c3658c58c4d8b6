/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of the page, as bytes in the binary. Each ends where its _end is. */
#ifndef HOSTPCI_SERVER_REQUEST_ASSET_WEB_H
#define HOSTPCI_SERVER_REQUEST_ASSET_WEB_H

extern const char web_index_html[], web_index_html_end[];
extern const char web_app_js[], web_app_js_end[];
extern const char web_style_css[], web_style_css_end[];

#endif
