/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts that facts_read() puts together. For the files of this folder. */
#ifndef HOSTPCI_HARDWARE_FACTS_PARTS_H
#define HOSTPCI_HARDWARE_FACTS_PARTS_H

#include "hardware/facts/facts.h"

/* Each fills its part and notes what it could not read. */
void facts_read_cpu(struct facts *facts);
void facts_read_firmware(struct facts *facts);
void facts_read_iommu(struct facts *facts);
void facts_read_interrupts(struct facts *facts);

/* The whole text of a file, read when it is first asked for. If it cannot be read it is noted, and the text
 * is NULL. */
const char *facts_read_lazily(struct facts *facts, struct lazy_text *text, const char *file, size_t limit);

#endif
