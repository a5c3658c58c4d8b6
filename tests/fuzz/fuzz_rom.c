/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as an expansion ROM: what is found in them lies within them. */
#include <stdint.h>
#include <stdlib.h>

#include "hardware/pci/rom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rom rom;

    rom_parse(data, size, &rom);
    if (rom.count > ROM_IMAGES || rom.before + rom.size > size || rom.complete != (rom.fault[0] == '\0'))
        abort();
    for (size_t i = 0; i < rom.count; i++)
        if (rom.images[i].offset > rom.size || rom.images[i].device_count > ROM_DEVICES)
            abort();
    json_decref(rom_describe(&rom));
    free(rom_list_ids(&rom));
    return 0;
}
