/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A driver for QEMU's device `edu` in the lab's machine, which divides it into mediated devices: eight parts,
 * of which an instance of type `small` takes one and one of type `large` four. An instance is a PCI device
 * that vfio opens, with an empty BAR of one page and without interrupts. The kernel puts the driver's name
 * before the type's; both can have others, for types as a manual names them.
 *
 * Sources: Documentation/driver-api/vfio-mediated-device.rst and vfio.rst, include/uapi/linux/vfio.h, and
 * QEMU's docs/specs/edu.rst. */
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8
#define PARTS      8
#define BAR_BYTES  PAGE_SIZE

/* A region is at its index, shifted that far, in the file that vfio gives. */
#define REGION_SHIFT 40

struct lab_type {
    struct mdev_type type;
    int parts;
};

static char *driver = KBUILD_MODNAME;
module_param(driver, charp, 0444);
MODULE_PARM_DESC(driver, "the driver's name");

static char *small_name = "small";
module_param(small_name, charp, 0444);
MODULE_PARM_DESC(small_name, "the name of the type `small`");

static struct lab_type small = {.type = {.pretty_name = "Small part"}, .parts = 1};
static struct lab_type large = {.type = {.sysfs_name = "large", .pretty_name = "Large part"}, .parts = 4};
static struct mdev_type *types[] = {&small.type, &large.type};

static struct mdev_parent parent;
static atomic_t parts_left = ATOMIC_INIT(PARTS);

struct instance {
    struct vfio_device vfio;
    int parts;
    __le32 config[PCI_CFG_SPACE_SIZE / sizeof(__le32)];
    u8 bar[BAR_BYTES];
};

static int parts_of(struct mdev_type *type)
{
    return container_of(type, struct lab_type, type)->parts;
}

static int instance_init(struct vfio_device *vfio)
{
    struct instance *instance = container_of(vfio, struct instance, vfio);
    struct mdev_device *mdev = to_mdev_device(vfio->dev);
    int parts = parts_of(mdev->type), left = atomic_read(&parts_left);

    do {
        if (left < parts)
            return -ENOSPC;
    } while (!atomic_try_cmpxchg(&parts_left, &left, left - parts));
    instance->parts = parts;
    instance->config[PCI_VENDOR_ID / 4] = cpu_to_le32(EDU_VENDOR | EDU_DEVICE << 16);
    instance->config[PCI_CLASS_REVISION / 4] = cpu_to_le32(PCI_CLASS_OTHERS << 16);
    return 0;
}

static void instance_release(struct vfio_device *vfio)
{
    struct instance *instance = container_of(vfio, struct instance, vfio);

    atomic_add(instance->parts, &parts_left);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
    vfio_free_device(vfio);
#endif
}

/* The bytes of a region from a place in the file, at most `count`; NULL at its end. */
static u8 *find_bytes(struct instance *instance, loff_t place, size_t *count)
{
    u64 region = place >> REGION_SHIFT, offset = place & ((1ULL << REGION_SHIFT) - 1);
    u8 *bytes = region == VFIO_PCI_CONFIG_REGION_INDEX ? (u8 *)instance->config : instance->bar;
    size_t size = region == VFIO_PCI_CONFIG_REGION_INDEX ? sizeof(instance->config) : sizeof(instance->bar);

    if ((region != VFIO_PCI_CONFIG_REGION_INDEX && region != VFIO_PCI_BAR0_REGION_INDEX) || offset >= size)
        return NULL;
    *count = min_t(size_t, *count, size - offset);
    return bytes + offset;
}

static ssize_t instance_read(struct vfio_device *vfio, char __user *to, size_t count, loff_t *place)
{
    u8 *bytes = find_bytes(container_of(vfio, struct instance, vfio), *place, &count);

    if (bytes == NULL || copy_to_user(to, bytes, count) != 0)
        return -EFAULT;
    *place += count;
    return count;
}

/* BAR 0 answers with its size to the question for it (PCI Local Bus Specification 3.0, 6.2.5.1); what the
 * device is stays as it is. */
static void settle_config(struct instance *instance)
{
    instance->config[PCI_VENDOR_ID / 4] = cpu_to_le32(EDU_VENDOR | EDU_DEVICE << 16);
    instance->config[PCI_CLASS_REVISION / 4] = cpu_to_le32(PCI_CLASS_OTHERS << 16);
    instance->config[PCI_BASE_ADDRESS_0 / 4] &= cpu_to_le32(~(u32)(BAR_BYTES - 1));
    memset(&instance->config[PCI_BASE_ADDRESS_1 / 4], 0, sizeof(instance->config) - PCI_BASE_ADDRESS_1);
}

static ssize_t instance_write(struct vfio_device *vfio, const char __user *from, size_t count, loff_t *place)
{
    struct instance *instance = container_of(vfio, struct instance, vfio);
    u8 *bytes = find_bytes(instance, *place, &count);

    if (bytes == NULL || copy_from_user(bytes, from, count) != 0)
        return -EFAULT;
    settle_config(instance);
    *place += count;
    return count;
}

static long describe_device(void __user *to)
{
    struct vfio_device_info info = {.argsz = sizeof(info),
                                    .flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
                                    .num_regions = VFIO_PCI_NUM_REGIONS,
                                    .num_irqs = VFIO_PCI_NUM_IRQS};

    return copy_to_user(to, &info, offsetofend(struct vfio_device_info, num_irqs)) != 0 ? -EFAULT : 0;
}

static long describe_region(void __user *to)
{
    size_t size = offsetofend(struct vfio_region_info, offset);
    struct vfio_region_info info;

    if (copy_from_user(&info, to, size) != 0)
        return -EFAULT;
    if (info.argsz < size || info.index >= VFIO_PCI_NUM_REGIONS)
        return -EINVAL;
    info.size = info.index == VFIO_PCI_CONFIG_REGION_INDEX ? PCI_CFG_SPACE_SIZE
                : info.index == VFIO_PCI_BAR0_REGION_INDEX ? BAR_BYTES
                                                           : 0;
    info.flags = info.size > 0 ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
    info.offset = (u64)info.index << REGION_SHIFT;
    info.cap_offset = 0;
    return copy_to_user(to, &info, size) != 0 ? -EFAULT : 0;
}

static long describe_interrupt(void __user *to)
{
    struct vfio_irq_info info;

    if (copy_from_user(&info, to, sizeof(info)) != 0)
        return -EFAULT;
    if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS)
        return -EINVAL;
    info.flags = 0;
    info.count = 0;
    return copy_to_user(to, &info, sizeof(info)) != 0 ? -EFAULT : 0;
}

static long instance_ioctl(struct vfio_device *vfio, unsigned int command, unsigned long argument)
{
    (void)vfio;
    switch (command) {
    case VFIO_DEVICE_GET_INFO:
        return describe_device((void __user *)argument);
    case VFIO_DEVICE_GET_REGION_INFO:
        return describe_region((void __user *)argument);
    case VFIO_DEVICE_GET_IRQ_INFO:
        return describe_interrupt((void __user *)argument);
    case VFIO_DEVICE_RESET:
        return 0;
    default:
        return -ENOTTY;
    }
}

static const struct vfio_device_ops instance_ops = {
    .name = KBUILD_MODNAME,
    .init = instance_init,
    .release = instance_release,
    .read = instance_read,
    .write = instance_write,
    .ioctl = instance_ioctl,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
    .bind_iommufd = vfio_iommufd_emulated_bind,
    .unbind_iommufd = vfio_iommufd_emulated_unbind,
    .attach_ioas = vfio_iommufd_emulated_attach_ioas,
    .detach_ioas = vfio_iommufd_emulated_detach_ioas,
#endif
};

static int create_instance(struct mdev_device *mdev)
{
    struct instance *instance = vfio_alloc_device(instance, vfio, &mdev->dev, &instance_ops);
    int result;

    if (IS_ERR(instance))
        return PTR_ERR(instance);
    result = vfio_register_emulated_iommu_dev(&instance->vfio);
    if (result != 0)
        vfio_put_device(&instance->vfio);
    else
        dev_set_drvdata(&mdev->dev, instance);
    return result;
}

static void remove_instance(struct mdev_device *mdev)
{
    struct instance *instance = dev_get_drvdata(&mdev->dev);

    vfio_unregister_group_dev(&instance->vfio);
    vfio_put_device(&instance->vfio);
}

static unsigned int count_available(struct mdev_type *type)
{
    return atomic_read(&parts_left) / parts_of(type);
}

static ssize_t describe_type(struct mdev_type *type, char *to)
{
    return sysfs_emit(to, "parts: %d of %d\n", parts_of(type), PARTS);
}

static struct mdev_driver instance_driver = {
    .device_api = VFIO_DEVICE_API_PCI_STRING,
    .probe = create_instance,
    .remove = remove_instance,
    .get_available = count_available,
    .show_description = describe_type,
    .driver = {.name = "lab_mdev_instance", .owner = THIS_MODULE, .mod_name = KBUILD_MODNAME},
};

static int bind(struct pci_dev *device, const struct pci_device_id *id)
{
    (void)id;
    /* A kobject that is registered once more would free its old name once more. */
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        memset(&types[i]->kobj, 0, sizeof(types[i]->kobj));
    return mdev_register_parent(&parent, &device->dev, &instance_driver, types, ARRAY_SIZE(types));
}

static void unbind(struct pci_dev *device)
{
    (void)device;
    mdev_unregister_parent(&parent);
}

static const struct pci_device_id ids[] = {{PCI_DEVICE(EDU_VENDOR, EDU_DEVICE)}, {0}};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver parent_driver = {.id_table = ids, .probe = bind, .remove = unbind};

static int __init start(void)
{
    int result = mdev_register_driver(&instance_driver);

    if (result != 0)
        return result;
    small.type.sysfs_name = small_name;
    parent_driver.name = driver;
    result = pci_register_driver(&parent_driver);
    if (result != 0)
        mdev_unregister_driver(&instance_driver);
    return result;
}

static void __exit stop(void)
{
    pci_unregister_driver(&parent_driver);
    mdev_unregister_driver(&instance_driver);
}

module_init(start);
module_exit(stop);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Mediated devices of QEMU's edu, for the tests of hostpci");
