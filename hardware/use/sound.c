/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sound cards and their open streams. Source: Documentation/sound/designs/procfile.rst of the Linux kernel.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/parts.h"

#define MOST_STREAMS 256 /* of one card */

/* "closed", or lines of which "owner_pid   : 1234" is one. */
static bool report_stream(struct host_uses *uses, const char *card, const char *file,
                          const struct use_owners *owners)
{
    char text[1024], name[32] = "a process";
    int pid = 0;

    int result = sysfs_read(uses->root, file, text, sizeof(text));
    if (result < 0)
        use_note(uses, file, result);
    if (result <= 0 || text_starts_with(text, "closed"))
        return false;
    const char *line = strstr(text, "owner_pid");
    if (line != NULL && sscanf(line, "owner_pid : %9d", &pid) == 1)
        sysfs_read(uses->root, path_of_process(pid, "comm").text, name, sizeof(name));
    text[strcspn(text, "\n")] = '\0';
    autofree char *evidence = xasprintf("/%s: %s", file, text);
    use_add(uses, owners,
            (struct host_use){.kind = USE_SOUND, .weight = USE_ACTIVE, .name = card, .evidence = evidence},
            "sound card %s has a stream open in %s (pid %d)", card, name, pid);
    return true;
}

/* Reports the first open stream only; `left` limits how many files are read. */
static bool report_streams(struct host_uses *uses, const char *card, const char *folder,
                           const struct use_owners *owners, size_t *left)
{
    autolist char **subs = NULL;

    if (sysfs_list(uses->root, folder, &subs) < 0)
        return false;
    for (char **sub = subs; *sub != NULL && *left > 0; sub++) {
        if (!text_starts_with(*sub, "sub"))
            continue;
        (*left)--;
        autofree char *file = xasprintf("%s/%s/status", folder, *sub);
        if (report_stream(uses, card, file, owners))
            return true;
    }
    return false;
}

static void report_card(struct host_uses *uses, const char *card, const struct use_owners *owners)
{
    struct host_path folder = path_below(PROC_ASOUND, card, NULL);
    autofree char *evidence = xasprintf("/%s/pcm*/sub*/status: closed", folder.text);
    autolist char **names = NULL;
    size_t left = MOST_STREAMS;

    int result = sysfs_list(uses->root, folder.text, &names);
    if (result < 0)
        use_note(uses, folder.text, result);
    for (char **name = names; result >= 0 && *name != NULL; name++) {
        autofree char *pcm = xasprintf("%s/%s", folder.text, *name);
        if (text_starts_with(*name, "pcm") && report_streams(uses, card, pcm, owners, &left))
            return;
    }
    use_add(uses, owners,
            (struct host_use){.kind = USE_SOUND, .weight = USE_IDLE, .name = card, .evidence = evidence},
            "sound card %s has no open stream%s", card, result < 0 ? " that is known" : "");
}

void use_find_sound(struct host_uses *uses)
{
    autolist char **names = NULL;
    struct use_owners owners;

    if (use_list_folder(uses, SYS_CLASS_SOUND, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        if (text_starts_with(*name, "card") && use_find_owners(uses, SYS_CLASS_SOUND, *name, &owners))
            report_card(uses, *name, &owners);
}
