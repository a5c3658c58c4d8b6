/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kinds of mappings share when they compare an entry with the hardware. */
#ifndef HOSTPCI_PASSTHROUGH_MAPPING_PARTS_H
#define HOSTPCI_PASSTHROUGH_MAPPING_PARTS_H

#include "base/text.h"
#include "passthrough/mapping/mapping.h"

__attribute__((format(printf, 2, 3))) void mapping_add_difference(json_t *differences, const char *format,
                                                                  ...);

/* Where devices with the ids of an entry are now. */
struct places {
    struct text list; /* the first few, with commas */
    size_t count;
};

void places_add(struct places *places, const char *place);
/* ", but a device 10de:2231 is at 0000:7a:00.0"; "" if there is none. The caller frees. */
char *places_describe(const struct places *places, const char *id);
void places_release(struct places *places);
#define autoplaces __attribute__((cleanup(places_release)))

#endif
