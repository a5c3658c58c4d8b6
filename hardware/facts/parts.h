/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts that facts_read puts together. For the facts_*.c files only. */
#ifndef HOSTPCI_HARDWARE_FACTS_PARTS_H
#define HOSTPCI_HARDWARE_FACTS_PARTS_H

#include "hardware/facts/facts.h"

/* Each fills its part and notes what it could not read. */
void facts_read_cpu(struct facts *facts);
void facts_read_firmware(struct facts *facts);
void facts_read_iommu(struct facts *facts);
void facts_read_interrupts(struct facts *facts);

/* Whole text of a file, once: NULL, and noted, if it cannot be read. */
const char *facts_read_lazily(struct facts *facts, struct lazy_text *text, const char *file, size_t limit);

#endif
