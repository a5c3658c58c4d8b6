/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's uevent messages about PCI functions. */
#include "hardware/pci/uevent_text.h"

#include <stdio.h>
#include <string.h>

/* The words that the message is judged by; "" for one that it does not have. */
struct words {
    char action[16], subsystem[16], mdev_state[16], slot[PCI_ADDRESS_SIZE];
};

static void take_word(const char *word, size_t length, const char *name, char *ret, size_t size)
{
    size_t start = strlen(name);

    if (length >= start && memcmp(word, name, start) == 0 && length - start < size)
        snprintf(ret, size, "%.*s", (int)(length - start), word + start);
}

static struct words read_words(const char *message, size_t length)
{
    struct words words = {.action = ""};

    for (size_t start = 0; start < length;) {
        const char *word = message + start;
        size_t count = strnlen(word, length - start);
        take_word(word, count, "ACTION=", words.action, sizeof(words.action));
        take_word(word, count, "SUBSYSTEM=", words.subsystem, sizeof(words.subsystem));
        take_word(word, count, "MDEV_STATE=", words.mdev_state, sizeof(words.mdev_state));
        take_word(word, count, "PCI_SLOT_NAME=", words.slot, sizeof(words.slot));
        start += count + 1;
    }
    return words;
}

bool pci_uevent_parse(const char *message, size_t length, struct pci_event *ret)
{
    struct words words = read_words(message, length);
    struct pci_event event = {.kind = PCI_EVENT_OTHER};

    if (strcmp(words.subsystem, "pci") != 0)
        return false;
    if (pci_address_parse(words.slot, &event.address)) {
        if (strcmp(words.action, "add") == 0)
            event.kind = PCI_EVENT_ADD;
        else if (strcmp(words.action, "bind") == 0)
            event.kind = PCI_EVENT_BIND;
        else if (strcmp(words.action, "change") == 0 && strcmp(words.mdev_state, "registered") == 0)
            event.kind = PCI_EVENT_MDEV;
    }
    *ret = event;
    return true;
}
