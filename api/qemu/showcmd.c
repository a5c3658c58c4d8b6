/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /nodes/{node}/qemu/{vmid}/showcmd: the command line that the next start would run. */
#include "api/qemu/qemu.h"
#include "base/memory.h"
#include "base/text.h"
#include "passthrough/command_line.h"
#include "passthrough/vm_document.h"
#include "schema/format.h"

/* Quotes them with one option per line; for a shell it is still one command. */
static char *quote_lines(char **arguments)
{
    struct text text = {0};

    for (char **first = arguments, **next; *first != NULL; first = next) {
        for (next = first + 1; *next != NULL && (*next)[0] != '-';)
            next++;
        char *rest = *next;
        *next = NULL;
        autofree char *line = vm_command_quote(first);
        *next = rest;
        text_printf(&text, "%s%s", first != arguments ? " \\\n  " : "", line);
    }
    return text_take(&text);
}

static int show_command(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    const struct reservations reservations = {service->storage, service->sysroot};
    struct command_line_host host = {.storage = service->storage,
                                     .sysroot = service->sysroot,
                                     .node = service->node,
                                     .paths = &service->paths};
    long long vmid = param_integer(request, "vmid");
    autojson json_t *document = NULL, *config = NULL;
    autoavailability struct availability availability = {0};
    autoassignments struct assignments assignments = {0};
    autosplit char **arguments = NULL;

    if (vm_document_read(service->storage, service->node, vmid, &document, NULL, err) != 0 ||
        qemu_features(service->qemu, &host.qemu, err) != 0 ||
        availability_read(&reservations, service->inventory, &availability, err) != 0)
        return -1;
    config = vm_config_view(document, false);
    const struct assign assign = {.storage = service->storage,
                                  .availability = &availability,
                                  .node = service->node,
                                  .vmid = vmid,
                                  .config = config,
                                  .on_paper = true};
    assign_devices(&assign, &assignments);
    if (assignments_check(&assignments, err) != 0 ||
        command_line_build(&host, vmid, config, &assignments, &arguments, err) != 0) {
        err->kind = ERROR_FAILED; /* the VM's configuration is wrong, not a parameter of the request */
        err->field[0] = '\0';
        return -1;
    }
    autofree char *line =
        param_boolean(request, "pretty") ? quote_lines(arguments) : vm_command_quote(arguments);
    *ret = json_string(line);
    return 0;
}

const struct endpoint endpoint_show_qemu_command = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/showcmd",
    .text = "Shows the command line that the next start of the VM would run, quoted for a shell; fails if "
            "one of its devices does not exist, or another VM has it.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             {.name = "pretty",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "One option per line."}),
    .returns = {.type = SCHEMA_STRING},
    .may_block = true,
    .on_node = true,
    .run = show_command,
};
