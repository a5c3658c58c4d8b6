/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a PCI expansion ROM holds. */
#include "hardware/pci/rom.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define UNIT      512               /* bytes that lengths count, and that images begin at */
#define MOST_SKIP ((size_t)1 << 20) /* where the first image is looked for */

/* Offsets in an image, then in its PCI data structure. */
enum {
    INIT_SIZE = 0x02,
    EFI_SIGNATURE = 0x04,
    SUBSYSTEM = 0x08,
    MACHINE = 0x0a,
    COMPRESSION = 0x0c,
    PCIR = 0x18
};
enum { HEADER_SIZE = 0x1a };
enum {
    VENDOR = 0x04,
    DEVICE = 0x06,
    DEVICE_LIST = 0x08,
    STRUCTURE_REVISION = 0x0c,
    CLASS = 0x0d,
    LENGTH = 0x10,
    REVISION = 0x12,
    CODE = 0x14,
    INDICATOR = 0x15,
    STRUCTURE_SIZE = 0x18,
};

#define LAST_IMAGE 0x80 /* of the indicator */

struct word_name {
    uint16_t number;
    const char *name;
};

static const struct word_name code_names[] = {
    {ROM_CODE_BIOS, "bios"}, {1, "open-firmware"}, {2, "pa-risc"}, {ROM_CODE_UEFI, "uefi"}};
static const struct word_name subsystem_names[] = {
    {10, "application"}, {11, "boot-service-driver"}, {12, "runtime-driver"}};
static const struct word_name machine_names[] = {
    {0x014c, "ia32"},        {0x01c2, "arm"},     {0x0200, "ia64"},     {0x0ebc, "byte-code"},
    {0x5032, "riscv32"},     {0x5064, "riscv64"}, {0x5128, "riscv128"}, {0x6232, "loongarch32"},
    {0x6264, "loongarch64"}, {0x8664, "x64"},     {0xaa64, "aarch64"}};

static struct rom_word find_name(const struct word_name *names, size_t count, uint16_t number)
{
    struct rom_word word;

    snprintf(word.text, sizeof(word.text), "0x%04x", (unsigned)number);
    for (size_t i = 0; i < count; i++)
        if (names[i].number == number)
            snprintf(word.text, sizeof(word.text), "%s", names[i].name);
    return word;
}

struct rom_word rom_machine_name(uint16_t machine)
{
    return find_name(machine_names, COUNT_OF(machine_names), machine);
}

/* The bytes of an image that are there; `structure` is where its PCI data structure begins in them. */
struct bytes {
    const unsigned char *data;
    size_t length, structure;
};

static uint16_t word_at(const unsigned char *data, size_t at)
{
    return (uint16_t)(data[at] | data[at + 1] << 8);
}

static bool find_structure(struct bytes *image)
{
    if (image->length < HEADER_SIZE || image->data[0] != 0x55 || image->data[1] != 0xaa)
        return false;
    image->structure = word_at(image->data, PCIR);
    return image->structure + STRUCTURE_SIZE <= image->length &&
           memcmp(image->data + image->structure, "PCIR", 4) == 0;
}

/* The list is found from the beginning of the structure, and ends with 0. */
static void read_devices(const struct bytes *image, struct rom_image *ret)
{
    const unsigned char *structure = image->data + image->structure;
    size_t at = image->structure + word_at(structure, DEVICE_LIST);

    if (structure[STRUCTURE_REVISION] < 3 || word_at(structure, DEVICE_LIST) == 0)
        return;
    for (; at + 2 <= image->length && ret->device_count < ROM_DEVICES; at += 2) {
        uint16_t device = word_at(image->data, at);
        if (device == 0)
            return;
        ret->devices[ret->device_count++] = device;
    }
}

static void read_sum(const struct bytes *image, struct rom_image *ret)
{
    size_t size = (size_t)image->data[INIT_SIZE] * UNIT;
    unsigned sum = 0;

    ret->summed = size > 0;
    for (size_t i = 0; i < size && i < image->length; i++)
        sum += image->data[i];
    ret->sum_right = size <= image->length && (sum & 0xff) == 0;
}

static void read_efi(const struct bytes *image, struct rom_image *ret)
{
    ret->efi = memcmp(image->data + EFI_SIGNATURE, "\xf1\x0e\0\0", 4) == 0;
    if (!ret->efi)
        return;
    ret->subsystem = word_at(image->data, SUBSYSTEM);
    ret->machine = word_at(image->data, MACHINE);
    ret->compression = word_at(image->data, COMPRESSION);
}

static struct rom_image read_image(const struct bytes *image, size_t offset)
{
    const unsigned char *structure = image->data + image->structure;
    struct rom_image ret = {.offset = offset,
                            .length = (size_t)word_at(structure, LENGTH) * UNIT,
                            .vendor = word_at(structure, VENDOR),
                            .device = word_at(structure, DEVICE),
                            .class_code = structure[CLASS] | (uint32_t)structure[CLASS + 1] << 8 |
                                          (uint32_t)structure[CLASS + 2] << 16,
                            .revision = word_at(structure, REVISION),
                            .code = structure[CODE],
                            .last = (structure[INDICATOR] & LAST_IMAGE) != 0};

    read_devices(image, &ret);
    if (ret.code == ROM_CODE_BIOS)
        read_sum(image, &ret);
    if (ret.code == ROM_CODE_UEFI)
        read_efi(image, &ret);
    return ret;
}

/* A file may have a header of the tool that saved it, such as NVIDIA's, before the first image. */
static size_t find_first(const unsigned char *data, size_t length)
{
    for (size_t at = 0; at < length && at <= MOST_SKIP; at += UNIT) {
        struct bytes image = {data + at, length - at, 0};
        if (find_structure(&image))
            return at;
    }
    return 0;
}

__attribute__((format(printf, 2, 3))) static void set_fault(struct rom *rom, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(rom->fault, sizeof(rom->fault), format, arguments);
    va_end(arguments);
}

/* Adds the image at an offset. Returns where the next one begins; 0 if there is none. */
static size_t add_image(const struct bytes *all, size_t offset, struct rom *rom)
{
    struct bytes bytes = {all->data + offset, all->length - offset, 0};

    if (!find_structure(&bytes)) {
        set_fault(rom, "no image begins at %zu", offset);
        return 0;
    }
    struct rom_image image = read_image(&bytes, offset);
    rom->images[rom->count++] = image;
    rom->size = offset + (image.length < bytes.length ? image.length : bytes.length);
    if (image.length > bytes.length)
        set_fault(rom, "the image at %zu is cut off: it has %zu bytes, of which %zu are there", offset,
                  image.length, bytes.length);
    else if (image.last)
        rom->complete = true;
    else if (image.length == 0)
        set_fault(rom, "the image at %zu has no length, and is not the last one", offset);
    else if (image.length == bytes.length)
        set_fault(rom, "it ends at %zu, and that image is not the last one", rom->size);
    else
        return offset + image.length;
    return 0;
}

void rom_parse(const unsigned char *data, size_t length, struct rom *ret)
{
    struct rom rom = {.before = find_first(data, length)};
    const struct bytes all = {data + rom.before, length - rom.before, 0};
    size_t offset = 0;

    do
        offset = add_image(&all, offset, &rom);
    while (offset > 0 && rom.count < ROM_IMAGES);
    if (offset > 0)
        set_fault(&rom, "it has more than %d images", ROM_IMAGES);
    *ret = rom;
}

bool rom_has_bios(const struct rom *rom)
{
    for (size_t i = 0; i < rom->count; i++)
        if (rom->images[i].code == ROM_CODE_BIOS)
            return true;
    return false;
}

bool rom_has_uefi(const struct rom *rom, uint16_t machine)
{
    for (size_t i = 0; i < rom->count; i++)
        if (rom->images[i].efi && (machine == 0 || rom->images[i].machine == machine))
            return true;
    return false;
}

const char *rom_name_firmware(bool bios, bool uefi)
{
    return bios && uefi ? "BIOS and UEFI" : uefi ? "UEFI" : bios ? "BIOS" : "nothing";
}

static bool is_for(const struct rom_image *image, uint16_t vendor, uint16_t device)
{
    bool found = image->device == device;

    for (size_t i = 0; i < image->device_count; i++)
        found |= image->devices[i] == device;
    return found && image->vendor == vendor;
}

bool rom_fits(const struct rom *rom, uint16_t vendor, uint16_t device)
{
    for (size_t i = 0; i < rom->count; i++)
        if (is_for(&rom->images[i], vendor, device))
            return true;
    return false;
}

const struct rom_image *rom_find_damage(const struct rom *rom)
{
    for (size_t i = 0; i < rom->count; i++)
        if (rom->images[i].summed && !rom->images[i].sum_right)
            return &rom->images[i];
    return NULL;
}

static void append_ids(struct text *text, uint16_t vendor, uint16_t device)
{
    char ids[16];

    snprintf(ids, sizeof(ids), "%04x:%04x", (unsigned)vendor, (unsigned)device);
    if (strstr(text_string(text), ids) == NULL)
        text_printf(text, "%s%s", text->length > 0 ? ", " : "", ids);
}

char *rom_list_ids(const struct rom *rom)
{
    struct text text = {0};

    for (size_t i = 0; i < rom->count; i++) {
        const struct rom_image *image = &rom->images[i];
        append_ids(&text, image->vendor, image->device);
        for (size_t k = 0; k < image->device_count; k++)
            append_ids(&text, image->vendor, image->devices[k]);
    }
    return text_take(&text);
}

static json_t *describe_word(uint16_t number)
{
    return json_sprintf("0x%04x", (unsigned)number);
}

static json_t *describe_devices(const struct rom_image *image)
{
    json_t *list = json_array();

    for (size_t i = 0; i < image->device_count; i++)
        json_array_append_new(list, describe_word(image->devices[i]));
    return list;
}

static json_t *describe_efi(const struct rom_image *image)
{
    return json_pack("{s:s, s:s, s:i}", "machine", rom_machine_name(image->machine).text, "subsystem",
                     find_name(subsystem_names, COUNT_OF(subsystem_names), image->subsystem).text,
                     "compressed", (int)(image->compression != 0));
}

static json_t *describe_image(const struct rom_image *image)
{
    const char *type = "other";

    for (size_t i = 0; i < COUNT_OF(code_names); i++)
        if (code_names[i].number == image->code)
            type = code_names[i].name;
    json_t *ret =
        json_pack("{s:I, s:I, s:i, s:s, s:o, s:o, s:o, s:i, s:i}", "offset", (json_int_t)image->offset,
                  "length", (json_int_t)image->length, "code", (int)image->code, "type", type, "vendor",
                  describe_word(image->vendor), "device", describe_word(image->device), "class",
                  json_sprintf("0x%06x", (unsigned)image->class_code), "revision", (int)image->revision,
                  "last", (int)image->last);
    if (image->device_count > 0)
        json_object_set_new(ret, "devices", describe_devices(image));
    if (image->summed)
        json_object_set_new(ret, "checksum", json_string(image->sum_right ? "right" : "wrong"));
    if (image->efi)
        json_object_set_new(ret, "efi", describe_efi(image));
    return ret;
}

json_t *rom_describe(const struct rom *rom)
{
    json_t *images = json_array();

    for (size_t i = 0; i < rom->count; i++)
        json_array_append_new(images, describe_image(&rom->images[i]));
    json_t *ret =
        json_pack("{s:I, s:i, s:i, s:i, s:o}", "size", (json_int_t)rom->size, "complete", (int)rom->complete,
                  "bios", (int)rom_has_bios(rom), "uefi", (int)rom_has_uefi(rom, 0), "images", images);
    if (rom->before > 0)
        json_object_set_new(ret, "before", json_integer((json_int_t)rom->before));
    if (!rom->complete)
        json_object_set_new(ret, "fault", json_string(rom->fault));
    return ret;
}
