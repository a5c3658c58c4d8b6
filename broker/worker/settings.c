/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation host-settings: changes the settings of the host that passthrough needs and that its next boot
 * reads. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/host.h"
#include "hardware/module.h"
#include "hardware/paths.h"
#include "hardware/settings/kernel.h"
#include "hardware/settings/tuning.h"
#include "hardware/use/use.h"

#define MODULES_TEXT "Names of modules with commas; of VFIO's, or that drive a PCI device of this host. "
#define MODULES                                                                                              \
    .type = SCHEMA_STRING, .optional = true, .max_length = 4096,                                             \
    .pattern = "[A-Za-z0-9_-]{1,63}(,[A-Za-z0-9_-]{1,63})*"

const struct schema operation_host_settings_arguments[] = {
    {.name = "ids",
     .type = SCHEMA_STRING,
     .optional = true,
     .pattern = "[0-9A-Fa-f:]+(,[0-9A-Fa-f:]+)*",
     .max_length = 1023,
     .text = "Ids of devices that vfio-pci takes when it is loaded: VENDOR:DEVICE, several with commas."},
    {.name = "disable-vga",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: vfio-pci keeps displays out of VGA arbitration, as OVMF likes it."},
    {.name = "disable-idle-d3",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: vfio-pci leaves devices that no VM uses in power state D0."},
    {.name = "allow-unsafe-interrupts",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: also without interrupt remapping. A VM could then interrupt the host at will."},
    {.name = "options",
     .type = SCHEMA_ARRAY,
     .optional = true,
     .max_items = 64,
     .items =
         ITEMS(.type = SCHEMA_STRING, .max_length = 512, .pattern = "[A-Za-z0-9_-]{1,63}( [^\\s\"'\\\\]+)+"),
     .text = "Options of other modules, each as \"MODULE PARAMETER=VALUE ...\"."},
    {.name = "blacklist", MODULES, .text = MODULES_TEXT "They are not loaded for a device."},
    {.name = "softdep", MODULES, .text = MODULES_TEXT "vfio-pci is loaded before each of them."},
    {.name = "modules", MODULES, .text = MODULES_TEXT "They are loaded at boot."},
    {.name = "kernel",
     .type = SCHEMA_STRING,
     .optional = true,
     .pattern = "[A-Za-z0-9_.,:;=@ -]+",
     .max_length = 1024,
     .text = "Parameters to set on the kernel's command line, with blanks between, such as \"intel_iommu=on "
             "iommu=pt\". "
             "Those of the same name are replaced, all others stay."},
    {.name = "kernel-remove",
     .type = SCHEMA_STRING,
     .optional = true,
     .pattern = "[A-Za-z0-9_. -]+",
     .max_length = 1024,
     .text = "Names of parameters to take from the kernel's command line."},
    {.name = "delete",
     .type = SCHEMA_STRING,
     .optional = true,
     .pattern = "[a-z0-9-]+(,[a-z0-9-]+)*",
     .max_length = 1024,
     .text = "Settings to give up: names with commas."},
    {.name = "digest",
     .type = SCHEMA_STRING,
     .optional = true,
     .max_length = 64,
     .text = "Fail if the settings have another digest by now."},
    {.name = "refresh",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: rebuild the initramfs and the boot loader's files, even if no setting changes; 0: leave "
             "that to somebody else. Left out: rebuild those that a change affects."},
    {.name = "force",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .fallback = "0",
     .text = "Even if the host uses a device that it would lose. What holds the root file system is refused "
             "all the "
             "same."},
    {.name = NULL}};

static const char *const members[] = {"ids",     "disable-vga", "disable-idle-d3", "allow-unsafe-interrupts",
                                      "options", "blacklist",   "softdep",         "modules"};

static bool is_member(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (strcmp(members[i], name) == 0)
            return true;
    return false;
}

struct deletion {
    json_t *settings;
    const json_t *arguments;
    struct error *err;
};

static int delete_member(void *context, const char *name)
{
    struct deletion *deletion = context;

    if (!is_member(name))
        return error_set_field(deletion->err, "delete", "there is no setting '%.60s'", name);
    if (json_object_get(deletion->arguments, name) != NULL)
        return error_set_field(deletion->err, "delete", "'%s' is to be set and to be given up at once", name);
    json_object_del(deletion->settings, name);
    return 0;
}

/* A new reference: what is kept, with the changes. */
static int merge(const json_t *arguments, const json_t *now, json_t **ret, struct error *err)
{
    autojson json_t *settings = json_copy((json_t *)(uintptr_t)now);
    struct deletion deletion = {settings, arguments, err};
    const char *list = json_text_or(arguments, "delete", NULL);

    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (json_object_get(arguments, members[i]) != NULL)
            json_object_set(settings, members[i], json_object_get(arguments, members[i]));
    if (json_is_array(json_object_get(settings, "options")) &&
        json_array_size(json_object_get(settings, "options")) == 0)
        json_object_del(settings, "options");
    if (modprobe_each(list, delete_member, &deletion) != 0)
        return -1;
    *ret = TAKE(settings);
    return 0;
}

/* What the host would lose by the next boot. */
struct loss {
    struct worker *worker;
    const struct inventory *inventory;
    const struct host_uses *uses;
    const json_t *now;
    const char *member;
    bool force;
    struct error *err;
};

static int judge_function(const struct loss *loss, const struct pci_device *function, const char *word)
{
    const struct host_use *list = NULL;
    autotext struct text sentence = {0};
    char id[PCI_ADDRESS_SIZE];

    if (host_uses_of(loss->uses, function->address, &list) == 0 || list[0].weight < USE_ACTIVE)
        return 0;
    pci_address_format(function->address, id);
    host_use_describe(&list[0], &sentence);
    if (list[0].weight == USE_CRITICAL)
        return error_set_field(
            loss->err, loss->member,
            "the host would not start with '%s': %s is a device that it cannot run without: %s (%s)", word,
            id, text_string(&sentence), list[0].evidence);
    if (!loss->force)
        return error_set_field(
            loss->err, loss->member,
            "with '%s' the next boot takes %s from the host, which uses it: %s (%s); choose another "
            "device, or say force=1",
            word, id, text_string(&sentence), list[0].evidence);
    worker_log(loss->worker, "warning: with '%s' the next boot takes %s from the host: %s", word, id,
               text_string(&sentence));
    return 0;
}

static int is_equal(void *context, const char *word)
{
    return strcasecmp(context, word) == 0 ? 1 : 0;
}

static bool is_kept(const struct loss *loss, const char *word)
{
    autofree char *copy = xstrdup(word);
    const char *list = json_text_or(loss->now, loss->member, NULL);

    return modprobe_each(list, is_equal, copy) != 0;
}

static int judge_id(void *context, const char *word)
{
    const struct loss *loss = context;
    unsigned vendor, device;

    if (is_kept(loss, word) || sscanf(word, "%4x:%4x", &vendor, &device) != 2)
        return 0;
    for (size_t i = 0; i < loss->inventory->count; i++) {
        const struct pci_device *function = &loss->inventory->devices[i];
        if (function->vendor == vendor && function->device == device &&
            judge_function(loss, function, word) != 0)
            return -1;
    }
    return 0;
}

static int judge_module(void *context, const char *module)
{
    const struct loss *loss = context;

    if (is_kept(loss, module))
        return 0;
    for (size_t i = 0; i < loss->inventory->count; i++) {
        const struct pci_device *function = &loss->inventory->devices[i];
        struct host_path link = path_below(SYS_PCI_DRIVERS, function->driver, "module");
        char name[64] = "";
        if (function->driver[0] == '\0')
            continue;
        sysfs_read_link_name(sysroot_fd(loss->worker->sysroot), link.text, name, sizeof(name));
        if ((module_name_equal(function->driver, module) || module_name_equal(name, module)) &&
            judge_function(loss, function, module) != 0)
            return -1;
    }
    return 0;
}

/* vfio-pci takes ids from the kernel's command line as well. */
static int judge_kernel_id(void *context, const char *word)
{
    const struct loss *loss = context;

    if (!modprobe_id_is_valid(word))
        return error_set_field(loss->err, loss->member, "'%.80s' of vfio_pci.ids is not VENDOR:DEVICE", word);
    return judge_id(context, word);
}

static int check_kernel_loss(struct loss *loss, const char *set, const char *line)
{
    autofree char *ids = kernel_line_value(set, "vfio_pci.ids"),
                  *had = kernel_line_value(line, "vfio_pci.ids");
    autojson json_t *now = json_pack("{s:s?}", "kernel", had);

    loss->now = now;
    loss->member = "kernel";
    return modprobe_each(ids, judge_kernel_id, loss);
}

static int check_loss(struct worker *worker, const struct inventory *inventory, const json_t *settings,
                      const struct tuning *now, struct error *err)
{
    autohostuses struct host_uses *uses = NULL;
    struct loss loss = {.worker = worker,
                        .inventory = inventory,
                        .now = now->kept,
                        .force = json_integer_value(json_object_get(worker->arguments, "force")) != 0,
                        .err = err};

    if (host_uses_scan(worker->sysroot, inventory, &uses, err) != 0)
        return -1;
    loss.uses = uses;
    loss.member = "ids";
    if (modprobe_each(json_text_or(settings, "ids", NULL), judge_id, &loss) != 0)
        return -1;
    loss.member = "blacklist";
    if (modprobe_each(json_text_or(settings, "blacklist", NULL), judge_module, &loss) != 0)
        return -1;
    return check_kernel_loss(&loss, json_text(worker->arguments, "kernel"), now->line);
}

static bool differs(const char *a, const char *b)
{
    return a == NULL ? b != NULL : b == NULL || strcmp(a, b) != 0;
}

/* A longer file could not be read, and so not be changed any more. */
static int check_length(const char *file, const char *text, struct error *err)
{
    if (text == NULL || strlen(text) <= SETTINGS_LIMIT)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "'/%s' would have %zu bytes, and %d is the most that it can have: set less", file,
                     strlen(text), SETTINGS_LIMIT);
}

static int change_line(struct worker *worker, const struct tuning *now, json_t *files, struct error *err)
{
    const char *set = json_text_or(worker->arguments, "kernel", NULL);
    const char *remove = json_text_or(worker->arguments, "kernel-remove", NULL);
    autofree char *text = NULL;

    if (set == NULL && remove == NULL)
        return 0;
    if ((set != NULL && kernel_parameters_check("kernel", set, err) != 0) ||
        (remove != NULL && kernel_parameter_names_check("kernel-remove", remove, err) != 0))
        return -1;
    if (now->no_line.message[0] != '\0') {
        *err = now->no_line;
        return -1;
    }
    autofree char *line = kernel_line_change(now->line, set, remove);
    if (strcmp(line, now->line) == 0)
        return 0;
    if (boot_change_line(&now->boot, now->boot_text, line, &text, err) != 0 ||
        check_length(now->boot.file, text, err) != 0)
        return -1;
    worker_log(worker, "/%s: the kernel's command line was: %s", now->boot.file, now->line);
    worker_log(worker, "/%s: the kernel's command line is to be: %s", now->boot.file, line);
    host_add_file(files, now->boot.file, now->boot_text, text);
    return 0;
}

static unsigned choose_initramfs(struct worker *worker)
{
    if (!program_may_run(worker->sysroot) || program_is_there(PROGRAM_UPDATE_INITRAMFS))
        return 1U << PROGRAM_UPDATE_INITRAMFS;
    if (program_is_there(PROGRAM_DRACUT))
        return 1U << PROGRAM_DRACUT;
    worker_log(worker, "neither update-initramfs nor dracut is installed: if this host boots with an "
                       "initramfs, rebuild it with the tool that made it");
    return 0;
}

/* modules-load.d is not part of an initramfs. */
static unsigned choose_programs(struct worker *worker, const struct tuning *now, bool modprobe, bool line)
{
    const json_t *refresh = json_object_get(worker->arguments, "refresh");
    bool all = json_integer_value(refresh) != 0;
    unsigned programs = 0;

    if (refresh != NULL && !all)
        return 0;
    if (modprobe || all)
        programs |= choose_initramfs(worker);
    if (line || (all && now->boot.kind != BOOT_UNKNOWN))
        programs |= 1U << (now->boot.proxmox             ? PROGRAM_PROXMOX_BOOT_TOOL
                           : now->boot.kind == BOOT_GRUB ? PROGRAM_UPDATE_GRUB
                                                         : PROGRAM_KERNEL_INSTALL);
    return programs;
}

static int check_now(const struct worker *worker, const struct tuning *now, struct error *err)
{
    const char *digest = json_text_or(worker->arguments, "digest", NULL);

    if (digest != NULL && strcmp(digest, now->digest) != 0)
        return error_set(err, ERROR_CONFLICT,
                         "detected modified configuration - file changed by other user? Try again.");
    if (now->changed.message[0] == '\0')
        return 0;
    *err = now->changed;
    return -1;
}

/* The files that change, and the programs that make them effective. */
static int plan(struct worker *worker, const struct inventory *inventory, json_t *files,
                unsigned *ret_programs, struct error *err)
{
    autotuning struct tuning now = {.kept = NULL};
    autojson json_t *wanted = NULL;

    if (tuning_read(worker->sysroot, &now, err) != 0 || check_now(worker, &now, err) != 0 ||
        merge(worker->arguments, now.kept, &wanted, err) != 0 ||
        modprobe_check(worker->sysroot, inventory, wanted, now.kept, err) != 0 ||
        check_loss(worker, inventory, wanted, &now, err) != 0)
        return -1;
    autofree char *modprobe = modprobe_print(wanted), *modules = modprobe_print_modules(wanted);
    if (check_length(MODPROBE_FILE, modprobe, err) != 0 || check_length(MODULES_FILE, modules, err) != 0)
        return -1;
    bool changed = differs(modprobe, now.modprobe);
    if (changed)
        host_add_file(files, MODPROBE_FILE, now.modprobe, modprobe);
    if (differs(modules, now.modules))
        host_add_file(files, MODULES_FILE, now.modules, modules);
    size_t before = json_array_size(files);
    if (change_line(worker, &now, files, err) != 0)
        return -1;
    *ret_programs = choose_programs(worker, &now, changed, json_array_size(files) > before);
    return 0;
}

static void log_reasons(struct worker *worker, const struct inventory *inventory)
{
    autotuning struct tuning now = {.kept = NULL};
    struct error ignored;
    size_t i;
    const json_t *reason;

    if (tuning_read(worker->sysroot, &now, &ignored) != 0)
        return;
    autojson json_t *reasons = tuning_list_reasons(worker->sysroot, inventory, &now);
    json_array_foreach(reasons, i, reason)
        worker_log(worker, "a reboot is needed, because %s", json_string_value(reason));
}

static int change_settings(struct worker *worker, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autojson json_t *claims = json_pack("[{s:s}]", "id", WORKER_HOST), *files = json_array();
    unsigned programs = 0;

    if (inventory_scan(worker->sysroot, &inventory, err) != 0 || worker_claim(worker, claims, err) != 0)
        return -1;
    if (plan(worker, inventory, files, &programs, err) != 0) {
        worker_release(worker, WORKER_HOST);
        return -1;
    }
    if (json_array_size(files) == 0 && programs == 0) {
        worker_log(worker, "the settings are like this already");
        worker_release(worker, WORKER_HOST);
    } else if (host_change(worker, files, programs, err) != 0) {
        return -1;
    }
    log_reasons(worker, inventory);
    *ret = json_object();
    return 0;
}

const struct operation operation_host_settings = {
    .name = "host-settings",
    .text = "Changes the settings of the host that passthrough needs.",
    .arguments = operation_host_settings_arguments,
    .changes = true,
    .run = change_settings,
};
