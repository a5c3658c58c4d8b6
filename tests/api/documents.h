/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What no endpoint writes yet, written into the stopped daemon's database: users, roles, ACL entries, VMs. */
#ifndef HOSTPCI_TESTS_API_DOCUMENTS_H
#define HOSTPCI_TESTS_API_DOCUMENTS_H

/* Creates or replaces a document; `body` is JSON in which ' stands for ". */
void document_put(const char *kind, const char *id, const char *body);

/* {kind, id, body} of all documents as text, to see that nothing changed; the daemon may run. The caller
 * frees it. */
char *document_dump(void);

#endif
