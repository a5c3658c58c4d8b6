/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM's swtpm is started with. */
#include "broker/machine/tpm.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/memory.h"

#define STATE      FILES_FIRST
#define CONNECTION (FILES_FIRST + 1)

/* It opens the state once more by the descriptor's name, and so the file that was checked. */
static json_t *make_arguments(const char *version)
{
    json_t *all = json_pack("[s, s, s, s]", TPM_PROGRAM, "socket", "--terminate", "--ctrl");

    json_array_append_new(all, json_sprintf("type=unixio,clientfd=%d", CONNECTION));
    json_array_append_new(all, json_string("--tpmstate"));
    json_array_append_new(all, json_sprintf("backend-uri=file:///dev/fd/%d", STATE));
    if (strcmp(version, "v2.0") == 0)
        json_array_append_new(all, json_string("--tpm2"));
    return all;
}

int tpm_prepare(const json_t *order, struct files *qemu, struct files *own, json_t **ret_arguments,
                struct error *err)
{
    const json_t *tpm = json_object_get(order, "tpm");
    int state, ends[2];

    *ret_arguments = NULL;
    if (tpm == NULL)
        return 0;
    autojson json_t *file = json_pack("{s:O, s:O, s:b}", "path", json_object_get(tpm, "path"), "below",
                                      json_object_get(tpm, "below"), "beneath", 1);
    if (files_open_volume(file, &state, err) != 0 || files_add(own, STATE, state, err) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, errno, "cannot make a connection to the TPM");
    int added = files_add(own, CONNECTION, ends[1], err);
    if (files_add(qemu, (int)json_integer_value(json_object_get(tpm, "number")), ends[0], err) != 0 ||
        added != 0)
        return -1;
    *ret_arguments = make_arguments(json_text(tpm, "version"));
    return 0;
}
