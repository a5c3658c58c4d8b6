/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests of a boot sector. The BIOS loads it to 0x7c00. */
#include "tests/api/guest.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/daemon.h"
#include "tests/api/vm.h"

#define GUEST(name, source)                                                                                  \
    __asm__(".pushsection .rodata\n.code16\n" #name "_code:\n" source "\n" #name                             \
            "_end:\n.code64\n.popsection\n");                                                                \
    extern const unsigned char name##_code[], name##_end[];                                                  \
    const struct guest name = {name##_code, name##_end}
#define AT(name, label) "$" label " - " #name "_code + 0x7c00"

/* The registers are those of the PIIX4's power management, which SeaBIOS puts at 0x600: status, enable
 * (0x602) and control (0x604). Bit 8 is the power button, and 0x2000 in control powers off. */
GUEST(guest_of_button, "   movw $0x602, %dx; movw $0x100, %ax; outw %ax, %dx\n"
                       "   movw $0x600, %dx\n"
                       "1: inw %dx, %ax; testb $1, %ah; jz 1b\n"
                       "   movw $0x604, %dx; movw $0x2000, %ax; outw %ax, %dx\n"
                       "2: hlt; jmp 2b\n");

/* From AE00h with `pc`, from 0CC0h with `q35`: +10h selects one of the buses, +4 says which of its slots
 * shall be given up, a bit there written to +8 does it. */
GUEST(guest_of_eject, "   cli; xorw %ax, %ax; movw %ax, %ss; movw $0x7c00, %sp; sti\n"
                      "1: hlt; xorl %ecx, %ecx\n"
                      "2: movw $0xae00, %bx; call look; movw $0xcc0, %bx; call look\n"
                      "   incw %cx; cmpw $64, %cx; jb 2b; jmp 1b\n"
                      "look: leaw 0x10(%bx), %dx; movl %ecx, %eax; outl %eax, %dx\n"
                      "   leaw 4(%bx), %dx; inl %dx, %eax\n"
                      "   leaw 8(%bx), %dx; outl %eax, %dx; ret\n");

/* PCI Local Bus Specification 3.0, 3.2.2.3.2: CF8h selects a function's register, CFCh holds it. */
GUEST(guest_of_list, "   cli; xorw %ax, %ax; movw %ax, %ss; movw $0x7c00, %sp\n"
                     "1: xorl %ebx, %ebx\n"
                     "2: xorb %cl, %cl; call list_read; cmpw $0xffff, %ax; je 3f\n"
                     "   pushl %eax; movl %ebx, %eax; call list_print; popl %eax; call list_print\n"
                     "   movb $0x2c, %cl; call list_read; call list_print\n"
                     "   movb $10, %al; call list_put\n"
                     "3: addl $0x100, %ebx; cmpl $0x200000, %ebx; jb 2b; jmp 1b\n"
                     "list_read: movzbl %cl, %eax; orl %ebx, %eax; orl $0x80000000, %eax\n"
                     "   movw $0xcf8, %dx; outl %eax, %dx; movw $0xcfc, %dx; inl %dx, %eax; ret\n"
                     "list_print: movl %eax, %esi; movb $' ', %al; call list_put; movw $8, %cx\n"
                     "4: roll $4, %esi; movw %si, %ax; andb $15, %al; addb $'0', %al\n"
                     "   cmpb $'9', %al; jbe 5f; addb $39, %al\n"
                     "5: call list_put; loop 4b; ret\n"
                     "list_put: movb %al, %ah; movw $0x3fd, %dx\n"
                     "6: inb %dx, %al; testb $0x20, %al; jz 6b\n"
                     "   movb %ah, %al; movb $0xf8, %dl; outb %al, %dx; ret\n");

GUEST(guest_of_flood, "   movw $0x3fd, %dx; movw $0x3f8, %di; xorb %bl, %bl\n"
                      "1: inb %dx, %al; testb $0x20, %al; jz 1b\n"
                      "   xchgw %di, %dx; movb %bl, %al; outb %al, %dx; xchgw %di, %dx\n"
                      "   incb %bl; jmp 1b\n");

/* A line goes to 0x8000; its letters 18 and 19 tell the commands apart: {"execute":"guest-sync-delimited"...
 */
#define ANSWER(letter, label)                                                                                \
    "   movw " AT(guest_of_agent, label) ", %si; cmpb $'" letter "', %al; je answer\n"
GUEST(
    guest_of_agent,
    "   cli; xorw %ax, %ax; movw %ax, %ds; movw %ax, %es; movw %ax, %ss; movw $0x7c00, %sp; cld\n"
    "line: movw $0x8000, %di\n"
    "next: movw $0x3fd, %dx\n"
    "1: inb %dx, %al; testb $1, %al; jz 1b\n"
    "   movb $0xf8, %dl; inb %dx, %al\n"
    "   cmpb $0xff, %al; je line\n"
    "   cmpb $10, %al; je got\n"
    "   stosb; cmpw $0x9000, %di; jb next; jmp line\n"
    "got: movb 0x8012, %al; movb 0x8013, %ah\n"
    "   cmpw $0x7973, %ax; je sync\n"
    "   cmpw $0x6873, %ax; je off\n" ANSWER("p", "pong") ANSWER("i", "info")
        ANSWER("n", "address") "   movw " AT(
            guest_of_agent,
            "failure") ", %si\n"
                       "answer: call puts; jmp line\n"
                       "off: movw $0x604, %dx; movw $0x2000, %ax; outw %ax, %dx\n"
                       "2: hlt; jmp 2b\n"
                       "sync: movb $0xff, %al; call putc\n"
                       "   movw " AT(
                           guest_of_agent,
                           "result") ", %si; call puts\n"
                                     "   movw $0x8000 + 52, %si\n" /* after "id": */
                                     "3: lodsb; cmpb $'}', %al; je 4f; call putc; jmp 3b\n"
                                     "4: movw " AT(
                                         guest_of_agent,
                                         "ending") ", %si; jmp answer\n"
                                                   "puts: lodsb; testb %al, %al; jz 5f; call putc; jmp puts\n"
                                                   "5: ret\n"
                                                   "putc: movb %al, %bl; movw $0x3fd, %dx\n"
                                                   "6: inb %dx, %al; testb $0x20, %al; jz 6b\n"
                                                   "   movb %bl, %al; movb $0xf8, %dl; outb %al, %dx; ret\n"
                                                   "result: .asciz \"{\\\"return\\\":\"\n"
                                                   "ending: .asciz \"}\\n\"\n"
                                                   "pong: .asciz \"{\\\"return\\\":{}}\\n\"\n"
                                                   "info: .asciz "
                                                   "\"{\\\"return\\\":{\\\"version\\\":\\\"8\\\","
                                                   "\\\"supported_commands\\\":[]}}\\n\"\n"
                                                   "address: .asciz "
                                                   "\"{\\\"return\\\":[{\\\"name\\\":\\\"e0\\\",\\\"ip-"
                                                   "addresses\\\":[{"
                                                   "\\\"ip-address\\\":\\\"10.0.2.15\\\",\\\"ip-address-"
                                                   "type\\\":\\\"ipv4\\\",\\\"prefix\\\":24}]}]}\\n\"\n"
                                                   "failure: .asciz "
                                                   "\"{\\\"error\\\":{\\\"class\\\":\\\"GenericError\\\","
                                                   "\\\"desc\\\":\\\"no\\\"}}\\n\"\n");

char *guest_make_disk(const struct guest *guest)
{
    autofree unsigned char *disk = xcalloc(1, GUEST_DISK_SIZE);
    autofree char *folder = xasprintf("%s/images", daemon_state()), *path = xasprintf("%s/guest.raw", folder);
    size_t size = (size_t)(guest->end - guest->code);
    struct error err;

    cr_assert_leq(size, 510);
    memcpy(disk, guest->code, size);
    disk[510] = 0x55;
    disk[511] = 0xaa;
    cr_assert_eq(file_make_folder(folder, 0755, &err), 0, "%s", err.message);
    cr_assert_eq(file_create(path, disk, GUEST_DISK_SIZE, 0600, &err), 0, "%s", err.message);
    return TAKE(path);
}

void guest_create(const struct guest *guest)
{
    autofree char *path = guest_make_disk(guest), *value = xasprintf("%s,format=raw", path);

    vm_create("100", "kvm", "0", "memory", "64", "vga", "none", "ide0", value, "boot", "order=ide0", NULL);
}

/* "El Torito" Bootable CD-ROM Format Specification 1.0: a descriptor leads to the catalog, and that to the
 * sector, which is loaded as it is. The descriptors before and after it are those of ISO 9660, empty. */
enum { BLOCK = 2048, PRIMARY = 16, BOOT, TERMINATOR, CATALOG, IMAGE };

static void describe(unsigned char *disc, unsigned block, unsigned char type)
{
    const unsigned char head[] = {type, 'C', 'D', '0', '0', '1', 1};

    memcpy(disc + (size_t)block * BLOCK, head, sizeof(head));
}

char *guest_make_disc(const struct guest *guest)
{
    static const char title[] = "EL TORITO SPECIFICATION";
    static const unsigned char checked[32] = {[0] = 1, [28] = 0xaa, 0x55, 0x55, 0xaa}, /* sums up to 0 */
        entry[32] = {[0] = 0x88, [6] = 1, [8] = IMAGE};                                /* one sector of 512 */
    unsigned char *disc = xcalloc(1, GUEST_DISC_SIZE);
    size_t size = (size_t)(guest->end - guest->code);

    cr_assert_leq(size, 512);
    describe(disc, PRIMARY, 1);
    describe(disc, BOOT, 0);
    memcpy(disc + (size_t)BOOT * BLOCK + 7, title, sizeof(title)); /* zeros follow it anyway */
    disc[BOOT * BLOCK + 71] = CATALOG;
    describe(disc, TERMINATOR, 255);
    memcpy(disc + (size_t)CATALOG * BLOCK, checked, sizeof(checked));
    memcpy(disc + (size_t)CATALOG * BLOCK + 32, entry, sizeof(entry));
    memcpy(disc + (size_t)IMAGE * BLOCK, guest->code, size);
    return (char *)disc;
}
