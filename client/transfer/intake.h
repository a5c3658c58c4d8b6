/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an import will do: calls of the API in stages, and what it leaves out.
 *
 * A step only makes what is not there yet, so its undoing takes nothing away that was there before. Steps are
 * in the order in which they are made. A value that the server's declaration of the call refuses does not get
 * into the intake; it is left out, with the reason. */
#ifndef HOSTPCI_CLIENT_TRANSFER_INTAKE_H
#define HOSTPCI_CLIENT_TRANSFER_INTAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "client/call/call.h"

enum intake_stage { INTAKE_DEVICES, INTAKE_MAPPINGS, INTAKE_ACCESS, INTAKE_VMS, INTAKE_STAGES };

/* What is asked whether it is there. */
#define INTAKE_PCI_MAPPINGS "/cluster/mapping/pci"
#define INTAKE_USB_MAPPINGS "/cluster/mapping/usb"
#define INTAKE_USERS        "/access/users"
#define INTAKE_TOKENS       "/access/users/{userid}/token"
#define INTAKE_GROUPS       "/access/groups"
#define INTAKE_ROLES        "/access/roles"
#define INTAKE_ACL          "/access/acl"        /* "PATH WHO ROLE" */
#define INTAKE_RESOURCES    "/cluster/resources" /* VMIDs */
#define INTAKE_VOLUMES      "/nodes/localhost/storage/local/content"

struct intake {
    const struct call_target *target;
    json_t *steps;    /* [{stage, what, make: {method, path, parameters}, undo: the same or null}] */
    json_t *left_out; /* ["FILE: line N: TEXT"] */
    json_t *known;    /* {LIST: {NAME: 1}}: what the server has, or a step makes */
};
void intake_release(struct intake *intake);
#define autointake __attribute__((cleanup(intake_release)))

/* An empty intake, after asking the server what it has; the target must outlive it. */
int intake_begin(const struct call_target *target, struct intake *ret, struct error *err);

/* What the server replies to a GET; the caller drops it. */
int intake_ask(const struct intake *intake, const char *path, json_t **ret, struct error *err);

bool intake_knows(const struct intake *intake, const char *list, const char *name);

/* A file that is read into an intake. */
struct intake_source {
    struct intake *intake;
    const char *name; /* as the user finds it: "mapping/pci.cfg" */
    const char *path; /* where it is read from */
    char *text;       /* ends with NUL; a reader may change it */
    size_t length;
    unsigned line; /* which one is being read, from 1; 0: the whole file */
};

/* The next line of the text, without its end; NULL after the last one. */
char *intake_next_line(struct intake_source *source, char **rest);

void intake_leave_out(const struct intake_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct intake_step {
    enum intake_stage stage;
    const char *list, *name; /* what it makes (list may be NULL) */
    char *what;              /* a line that names it */
    json_t *make, *undo;     /* calls: intake_call() */
};

/* {method, path, parameters}; the parameters, {NAME: STRING or [STRING]}, are taken; NULL: none. */
json_t *intake_call(enum method method, const char *path, json_t *parameters);

/* Adds a step, of which it takes everything, or leaves it out because it is there already or because the call
 * would be refused. Parameters that are refused and optional are left out alone. Whether it was added. */
bool intake_add(struct intake_source *source, struct intake_step *step);

/* The intake as a text for people. */
void intake_describe(const struct intake *intake, struct text *ret);

/* "Mappings": what a stage is about. */
extern const char *const intake_stage_names[INTAKE_STAGES];

#endif
