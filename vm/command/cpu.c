/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processors: -cpu and -smp. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "vm/command/parts.h"

/* Models that QEMU does not know by their names. Each has its own flags and those of the models before it. */
static const struct level {
    const char *name, *flags;
} levels[] = {
    {"x86-64-v2", "+pni,+popcnt,+sse4.1,+sse4.2,+ssse3"},
    {"x86-64-v2-AES", "+aes"},
    {"x86-64-v3", "+abm,+avx,+avx2,+bmi1,+bmi2,+f16c,+fma,+movbe,+xsave"},
    {"x86-64-v4", "+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl"},
};

/* A guest sees its model's vendor, which follows from how the model's name begins. */
static const struct vendor {
    const char *stem, *name;
} vendors[] = {
    {"486", "GenuineIntel"},           {"pentium", "GenuineIntel"},      {"coreduo", "GenuineIntel"},
    {"core2duo", "GenuineIntel"},      {"Conroe", "GenuineIntel"},       {"Penryn", "GenuineIntel"},
    {"Nehalem", "GenuineIntel"},       {"Westmere", "GenuineIntel"},     {"SandyBridge", "GenuineIntel"},
    {"IvyBridge", "GenuineIntel"},     {"Haswell", "GenuineIntel"},      {"Broadwell", "GenuineIntel"},
    {"Skylake", "GenuineIntel"},       {"KnightsMill", "GenuineIntel"},  {"Cascadelake", "GenuineIntel"},
    {"Cooperlake", "GenuineIntel"},    {"Icelake", "GenuineIntel"},      {"SapphireRapids", "GenuineIntel"},
    {"GraniteRapids", "GenuineIntel"}, {"SierraForest", "GenuineIntel"}, {"ClearwaterForest", "GenuineIntel"},
    {"athlon", "AuthenticAMD"},        {"phenom", "AuthenticAMD"},       {"Opteron", "AuthenticAMD"},
    {"EPYC", "AuthenticAMD"},
};

const char *vm_cpu_own_model(size_t index)
{
    return index < COUNT_OF(levels) ? levels[index].name : NULL;
}

const char *vm_cpu_vendor(const char *model)
{
    for (size_t i = 0; i < COUNT_OF(vendors); i++)
        if (text_starts_with(model, vendors[i].stem))
            return vendors[i].name;
    return NULL;
}

/* Adds a flag ("+aes", "kvm=off", "enforce"); it replaces an earlier one of its name. */
static void set_flag(json_t *flags, const char *flag)
{
    const char *name = flag + (flag[0] == '+' || flag[0] == '-');
    autofree char *key = xstrndup(name, strcspn(name, "="));

    json_object_set_new(flags, key, json_string(flag));
}

static void set_flags(json_t *flags, const char *list)
{
    autosplit char **each = format_split_list(list);

    for (char **flag = each; *flag != NULL; flag++)
        set_flag(flags, *flag);
}

/* The name of a model that QEMU has; the flags that it lacks compared to `model` are added. */
static char *resolve_model(const char *model, json_t *flags)
{
    size_t level = 0;

    while (level < COUNT_OF(levels) && strcmp(levels[level].name, model) != 0)
        level++;
    if (level < COUNT_OF(levels)) {
        for (size_t i = 0; i <= level; i++)
            set_flags(flags, levels[i].flags);
        return xstrdup("qemu64");
    }
    if (text_starts_with(model, "Icelake-Client"))
        return xasprintf("Icelake-Server%s", model + strlen("Icelake-Client"));
    return xstrdup(model);
}

static void set_model_flags(const struct vm_build *build, const char *model, json_t *flags)
{
    const char *guest = vm_build_text(build, "ostype");

    if (strcmp(model, "kvm64") == 0)
        set_flags(flags, "+lahf_lm,+sep");
    if (strcmp(model, "kvm32") == 0)
        set_flag(flags, "+sep");
    if (text_starts_with(model, "Opteron"))
        set_flag(flags, "-rdtscp");
    if (guest != NULL && strcmp(guest, "solaris") == 0)
        set_flag(flags, "-x2apic");
}

/* The Hyper-V interfaces, which make Windows run better. */
static void set_hyperv_flags(const struct vm_build *build, const char *vendor_id, json_t *flags)
{
    if (build->windows < (build->ovmf ? 8 : 6))
        return;
    set_flags(flags, "hv_reset,hv_runtime,hv_spinlocks=0x1fff,hv_time,hv_vapic,hv_vpindex");
    if (build->windows >= 7)
        set_flags(flags, "hv_ipi,hv_relaxed,hv_stimer,hv_synic");
    if (vendor_id == NULL && build->x_vga)
        vendor_id = "proxmox";
    if (vendor_id != NULL) {
        autofree char *flag = xasprintf("hv_vendor_id=%s", vendor_id);
        set_flag(flags, flag);
    }
}

static void set_kvm_flags(const struct vm_build *build, const char *model, json_t *flags)
{
    const char *vendor = vm_cpu_vendor(model);

    set_flags(flags, "+kvm_pv_eoi,+kvm_pv_unhalt");
    if (strcmp(model, "host") != 0)
        set_flag(flags, "enforce");
    if (vendor != NULL) {
        autofree char *flag = xasprintf("vendor=%s", vendor);
        set_flag(flags, flag);
    }
    if (build->windows == 11 && vm_version_at_least(vm_build_version(build), 11, 0))
        set_flags(flags, "-cet-ibt,-cet-ss");
}

/* The flag nested-virt is vmx on Intel's processors and svm on AMD's. */
static int set_nested(const struct vm_build *build, const char *model, char sign, json_t *flags,
                      struct error *err)
{
    const char *vendor = vm_cpu_vendor(model) != NULL ? vm_cpu_vendor(model) : build->what->cpu_vendor;

    if (vendor == NULL)
        return error_set_field(
            err, "cpu", "nested-virt is not possible: the vendor of the host's processor is not known");
    autofree char *flag = xasprintf("%c%s", sign, strcmp(vendor, "AuthenticAMD") == 0 ? "svm" : "vmx");
    set_flag(flags, flag);
    return 0;
}

static int set_own_flags(const struct vm_build *build, const char *model, const json_t *values, json_t *flags,
                         struct error *err)
{
    const char *list = json_text_or(values, "flags", NULL);
    autosplit char **each = format_split_list(list != NULL ? list : "");

    for (char **flag = each; *flag != NULL; flag++)
        if (strcmp(*flag + 1, "nested-virt") != 0)
            set_flag(flags, *flag);
        else if (set_nested(build, model, **flag, flags, err) != 0)
            return -1;
    if (vm_value_number(values, "hidden", build->x_vga) != 0)
        set_flag(flags, "kvm=off");
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_flags(const json_t *flags, struct text *ret)
{
    size_t count = 0;
    autofree const char **names = xcalloc(json_object_size(flags), sizeof(*names));
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)flags, name, value)
        names[count++] = name;
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++)
        text_printf(ret, ",%s", json_string_value(json_object_get(flags, names[i])));
}

static int print_bits(const struct vm_build *build, const json_t *values, struct text *ret, struct error *err)
{
    const char *bits = json_text_or(values, "phys-bits", NULL);
    long long guest = vm_value_number(values, "guest-phys-bits", 0);
    struct vm_version version = vm_build_version(build);

    if (bits != NULL && strcmp(bits, "host") == 0)
        text_append(ret, ",host-phys-bits=true");
    else if (bits != NULL)
        text_printf(ret, ",phys-bits=%s", bits);
    if (guest == 0)
        return 0;
    if (!vm_features_has_property(build->what->qemu, "qemu64-x86_64-cpu", "guest-phys-bits"))
        return error_set_field(err, "cpu", "QEMU %u.%u.%u cannot set guest-phys-bits: leave it out",
                               version.major, version.minor, version.micro);
    text_printf(ret, ",guest-phys-bits=%lld", guest);
    return 0;
}

/* If processors can be plugged in, the guest starts with one, and the others are devices. */
static void add_processors(struct vm_build *build, const char *model)
{
    long long sockets = vm_build_number(build, "sockets", 1), cores = vm_build_number(build, "cores", 1);
    long long count = vm_build_number(build, "vcpus", sockets * cores);

    if (!vm_value_hotplugs(build->what->config, "cpu")) {
        vm_build_add(build, VM_HEAD, "-smp", "%lld,sockets=%lld,cores=%lld,maxcpus=%lld", count, sockets,
                     cores, sockets * cores);
        return;
    }
    vm_build_add(build, VM_HEAD, "-smp", "1,sockets=%lld,cores=%lld,maxcpus=%lld", sockets, cores,
                 sockets * cores);
    for (long long i = 1; i < count; i++)
        vm_build_add(build, VM_HEAD, "-device",
                     "%s-x86_64-cpu,id=cpu%lld,socket-id=%lld,core-id=%lld,thread-id=0", model, i + 1,
                     i / cores, i % cores);
}

int vm_build_add_cpu(struct vm_build *build, struct error *err)
{
    struct vm_version version = vm_build_version(build);
    autojson json_t *values = NULL, *flags = json_object();
    autotext struct text text = {0};

    if (vm_value_parts(build->what->config, "cpu", &values, err) != 0)
        return -1;
    const char *wanted = json_text_or(values, "cputype", NULL);
    autofree char *model = resolve_model(wanted != NULL ? wanted : build->kvm ? "kvm64" : "qemu64", flags);
    if (!vm_features_has_cpu(build->what->qemu, model))
        return error_set_field(err, "cpu", "QEMU %u.%u.%u has no CPU model '%s'", version.major,
                               version.minor, version.micro, model);
    text_append(&text, model);
    if (json_object_get(values, "level") != NULL)
        text_printf(&text, ",level=%lld", vm_value_number(values, "level", 0));
    set_model_flags(build, model, flags);
    if (build->kvm) {
        set_kvm_flags(build, model, flags);
        set_hyperv_flags(build, json_text_or(values, "hv-vendor-id", NULL), flags);
    }
    if (set_own_flags(build, model, values, flags, err) != 0)
        return -1;
    print_flags(flags, &text);
    if (print_bits(build, values, &text, err) != 0)
        return -1;
    vm_build_add(build, VM_HEAD, "-cpu", "%s", text_string(&text));
    add_processors(build, model);
    return 0;
}
