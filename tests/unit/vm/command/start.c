/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every expected command line is given to a real QEMU, which must accept it: it builds the whole machine,
 * paused, and is asked to quit. Where the command line names what is not here, something that takes the same
 * place stands in: a network card at the address of a passed-through device, files below a scratch folder,
 * TCG for KVM, the newest machine for one that this QEMU does not have yet. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "tests/unit/vm/fixture.h"

#define QEMU   "/usr/bin/qemu-system-x86_64"
#define SLICES 4

/* What is replaced wherever it stands; "" takes it away. */
static const char *const swaps[][2] = {
    {"accel=kvm", "accel=tcg"},
    {",kernel-irqchip=split", ""},
    {",hv_vpindex", ""}, /* needs a hypervisor below */
    {",enforce", ""},    /* TCG lacks KVM's own flags, which it then only warns of */
    {"host,", "max,"},
    {",guest-phys-bits=39", ""},
    {",host_tunnel=off", ""},
    {",-cet-ibt,-cet-ss", ""},
    {"-pci,aw-bits=39", "-pci"},
    {"scsi-block,", "scsi-hd,"},
    {"\"host_device\"", "\"file\""},
    {"\"host_cdrom\"", "\"file\""},
    {"format=qcow2", "format=raw"},
    {"virtio-vga-gl,", "virtio-vga,"},
    {"egl-headless,gl=core", "none"},
    {"/dev/hwrng", "/dev/urandom"},
    {"serial,id=serial3,path=/dev/ttyS0", "null,id=serial3"},
    {"socket,id=tpmchar,path", "file,id=tpmchar,path"}, /* a TPM takes its program: tests/api/qemu_tpm.c */
    {"-tpmdev", "-name"},
    {"emulator,id=tpmdev,chardev=tpmchar", "vm100"},
    {"tpm-tis,tpmdev=tpmdev", "pvpanic"},
};

/* Folders that command lines name, and where their stand-ins are below the scratch folder. */
static const char *const folders[][2] = {{"/srv", "srv"},
                                         {"/dev/disk/by-id", "srv"},
                                         {"/dev/cdrom", "srv/cd.iso"},
                                         {"/usr/share/OVMF", "ovmf"},
                                         {"/usr/share/kvm", "rom"},
                                         {"/run/hostpci/vm", "run"},
                                         {"/var/lib/hostpci-storage/images/100", "store"},
                                         {"/var/lib/hostpci-storage/template/iso", "store"},
                                         {"/run/hugepages/kvm", "huge"}};

static const struct stand_in {
    const char *name;
    off_t size;
} files[] = {
    {"ovmf/OVMF_CODE.fd", 2 << 20},
    {"ovmf/OVMF_CODE_4M.fd", 3653632},
    {"ovmf/OVMF_CODE_4M.secboot.fd", 3653632},
    {"run/100-ovmf.fd", 131072},
    {"srv/vars2m.raw", 131072},
    {"srv/vars4m.raw", 540672},
    {"srv/vars4m.qcow2", 540672},
    {"srv/a.raw", 1 << 20},
    {"srv/b.raw", 1 << 20},
    {"srv/c.raw", 1 << 20},
    {"srv/a", 1 << 20},
    {"srv/a.qcow2", 1 << 20},
    {"srv/cd.iso", 1 << 20},
    {"rom/gpu.rom", 65536},
    {"store/vm-100-disk-0.raw", 540672},
    {"store/vm-100-disk-1.qcow2", 1 << 20},
    {"store/debian-13.iso", 1 << 20},
};

static char *scratch;

static void make_scratch(void)
{
    static const char *const made[] = {"ovmf", "rom", "run", "srv", "store", "huge", "huge/2048kB"};
    const char *temporary = getenv("TMPDIR");

    if (access(QEMU, X_OK) != 0)
        cr_skip_test(QEMU " is not installed");
    scratch = xasprintf("%s/hostpci-vm.XXXXXX", temporary != NULL ? temporary : "/tmp");
    cr_assert_not_null(mkdtemp(scratch));
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        autofree char *path = xasprintf("%s/%s", scratch, made[i]);
        cr_assert_eq(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        autofree char *path = xasprintf("%s/%s", scratch, files[i].name);
        autoclose int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        cr_assert_eq(ftruncate(fd, files[i].size), 0);
    }
}

static void remove_scratch(void)
{
    char program[] = "rm", options[] = "-rf";
    pid_t child;

    if (scratch == NULL ||
        posix_spawnp(&child, "rm", NULL, NULL, (char *[]){program, options, scratch, NULL}, environ) != 0)
        return;
    waitpid(child, NULL, 0);
}

/* Replaces every occurrence. */
static char *swap(char *text, const char *from, const char *to)
{
    struct text ret = {0};
    char *rest = text;

    for (char *found; (found = strstr(rest, from)) != NULL; rest = found + strlen(from)) {
        text_append_bytes(&ret, rest, (size_t)(found - rest));
        text_append(&ret, to);
    }
    text_append(&ret, rest);
    free(text);
    return text_take(&ret);
}

/* Another device at the same place, with those of the options that it has too. */
static char *stand_in_for(const char *device, const char *driver, const char *const *kept)
{
    autosplit char **options = format_split_list(device);
    struct text ret = {0};

    text_append(&ret, driver);
    for (char **option = options; *option != NULL; option++)
        for (const char *const *name = kept; *name != NULL; name++)
            if (text_starts_with(*option, *name))
                text_printf(&ret, ",%s", *option);
    return text_take(&ret);
}

#define KEEP(...) ((const char *const[]){__VA_ARGS__, NULL})

static char *replace_device(const char *argument)
{
    if (text_starts_with(argument, "vfio-pci,"))
        return stand_in_for(
            argument, "e1000",
            KEEP("id=", "bus=", "addr=", "rombar=", "multifunction=", "romfile=", "bootindex="));
    if (text_starts_with(argument, "usb-host,"))
        return stand_in_for(argument, "usb-net", KEEP("id=", "bus=", "port=", "bootindex="));
    if (text_starts_with(argument, "tap,"))
        return stand_in_for(argument, "user", KEEP("id="));
    return xstrdup(argument);
}

/* The newest of its kind, if this QEMU does not have it yet. */
static char *replace_machine(const struct vm_features *qemu, char *argument)
{
    size_t length = strcspn(argument + strlen("type="), ",");
    autofree char *type = xstrndup(argument + strlen("type="), length);

    if (vm_features_has_machine(qemu, type))
        return argument;
    return swap(argument, type, strstr(type, "q35") != NULL ? "q35" : "pc");
}

static char *stand_in(const struct vm_features *qemu, const char *argument)
{
    char *ret = replace_device(argument);

    if (text_starts_with(ret, "type=p") || text_starts_with(ret, "type=q"))
        ret = replace_machine(qemu, ret);
    for (size_t i = 0; i < COUNT_OF(swaps); i++)
        ret = swap(ret, swaps[i][0], swaps[i][1]);
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        autofree char *to = xasprintf("%s/%s", scratch, folders[i][1]);
        ret = swap(ret, folders[i][0], to);
    }
    return ret;
}

/* The lines of a .cmd from the program on, with what makes it stop again. */
static char **arguments_of(const struct vm_features *qemu, const char *expected)
{
    static const char *const more[] = {"-S", "-qmp", "stdio"};
    autofree char *copy = xstrdup(strstr(expected, QEMU));
    char **ret = xcalloc(strlen(copy) + COUNT_OF(more) + 1, sizeof(*ret)), *rest = copy;
    size_t count = 0;

    for (const char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';)
        ret[count++] = stand_in(qemu, line);
    for (size_t i = 0; i < COUNT_OF(more); i++)
        ret[count++] = xstrdup(more[i]);
    return ret;
}

/* Runs it with `input`; what it printed (both ways) is in the file OUTPUT of the scratch folder. */
static int run(char *const *arguments, const char *input, char **ret_output)
{
    autofree char *in = xasprintf("%s/input", scratch), *out = xasprintf("%s/output", scratch);
    posix_spawn_file_actions_t actions;
    struct error err;
    pid_t child;
    int status;

    cr_assert_eq(file_replace(in, input, strlen(input), 0600, &err), 0, "%s", err.message);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, in, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    cr_assert_eq(posix_spawn(&child, QEMU, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(file_read(out, VM_FEATURES_LIMIT, ret_output, NULL, &err), 0, "%s", err.message);
    return status;
}

static struct vm_features *ask(void)
{
    autotext struct text questions = {0};
    autofree char *answers = NULL;
    struct vm_features *qemu;
    struct error err;

    for (const char *const *question = vm_features_questions; *question != NULL; question++)
        text_printf(&questions, "%s\n", *question);
    run((char *const *)vm_features_arguments, text_string(&questions), &answers);
    cr_assert_eq(vm_features_parse(answers, strlen(answers), &qemu, &err), 0, "%s", err.message);
    return qemu;
}

static void start(const struct vm_features *qemu, const char *name)
{
    autofree char *expected = vm_golden_read(name, "cmd"), *output = NULL;

    if (text_starts_with(expected, "error: "))
        return;
    autosplit char **arguments = arguments_of(qemu, expected);
    int status = run(arguments, "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n", &output);
    autofree char *line = vm_command_quote(arguments);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0 && strstr(output, "\"SHUTDOWN\"") != NULL,
              "%s: QEMU ends with %d:\n%s\n%s", name, status, output, line);
}

/* In slices, which run at the same time. */
static void start_slice(size_t slice)
{
    autosplit char **names = vm_golden_names();
    autofeatures struct vm_features *qemu = ask();

    for (size_t i = 0; names[i] != NULL; i++)
        if (i % SLICES == slice)
            start(qemu, names[i]);
}

TestSuite(vm_start, .init = make_scratch, .fini = remove_scratch, .timeout = 300);

Test(vm_start, qemu_accepts_the_first_slice)
{
    start_slice(0);
}

Test(vm_start, qemu_accepts_the_second_slice)
{
    start_slice(1);
}

Test(vm_start, qemu_accepts_the_third_slice)
{
    start_slice(2);
}

Test(vm_start, qemu_accepts_the_fourth_slice)
{
    start_slice(3);
}

Test(vm_start, what_it_can_do_is_known_from_its_answers)
{
    autofeatures struct vm_features *qemu = ask();

    cr_expect(vm_version_at_least(vm_features_version(qemu), 5, 0));
    cr_expect(vm_features_has_machine(qemu, "pc") && vm_features_has_machine(qemu, "q35"));
    cr_expect(!vm_features_has_machine(qemu, "pc-q35-1999.1"));
    cr_expect(vm_features_has_cpu(qemu, "host") && !vm_features_has_cpu(qemu, "Z80"));
    cr_expect(vm_features_has_device(qemu, "lsi") && vm_features_has_device(qemu, "virtio-serial"));
    cr_expect(!vm_features_has_device(qemu, "e1000-82540em"));
    cr_expect(vm_features_has_property(qemu, "intel-iommu", "aw-bits"));
    cr_expect(vm_features_has_property(qemu, "vfio-pci", "x-enable-migration") ||
              vm_features_has_property(qemu, "vfio-pci", "enable-migration"));
    if (!vm_version_at_least(vm_features_version(qemu), 8, 0))
        cr_expect(!vm_features_has_property(qemu, "virtio-iommu-pci", "aw-bits"));
}
