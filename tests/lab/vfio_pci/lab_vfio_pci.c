/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VFIO variant driver for QEMU's e1000e in the lab's machine. It can do what vfio-pci can and nothing more,
 * but its parameter `refuse` makes its probe fail.
 *
 * Sources: include/linux/vfio_pci_core.h, and drivers/vfio/pci/vfio_pci.c as an example. */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/version.h>
#include <linux/vfio_pci_core.h>

static bool refuse;
module_param(refuse, bool, 0644);
MODULE_PARM_DESC(refuse, "Let the probe fail");

static int open_device(struct vfio_device *vfio)
{
    struct vfio_pci_core_device *core = container_of(vfio, struct vfio_pci_core_device, vdev);
    int result = vfio_pci_core_enable(core);

    if (result == 0)
        vfio_pci_core_finish_enable(core);
    return result;
}

static const struct vfio_device_ops device_ops = {
    .name = KBUILD_MODNAME,
    .init = vfio_pci_core_init_dev,
    .release = vfio_pci_core_release_dev,
    .open_device = open_device,
    .close_device = vfio_pci_core_close_device,
    .ioctl = vfio_pci_core_ioctl,
    .device_feature = vfio_pci_core_ioctl_feature,
    .read = vfio_pci_core_read,
    .write = vfio_pci_core_write,
    .mmap = vfio_pci_core_mmap,
    .request = vfio_pci_core_request,
    .match = vfio_pci_core_match,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
    .bind_iommufd = vfio_iommufd_physical_bind,
    .unbind_iommufd = vfio_iommufd_physical_unbind,
    .attach_ioas = vfio_iommufd_physical_attach_ioas,
    .detach_ioas = vfio_iommufd_physical_detach_ioas,
#endif
};

static int bind(struct pci_dev *device, const struct pci_device_id *id)
{
    struct vfio_pci_core_device *core;
    int result;

    (void)id;
    if (refuse)
        return -EIO;
    core = vfio_alloc_device(vfio_pci_core_device, vdev, &device->dev, &device_ops);
    if (IS_ERR(core))
        return PTR_ERR(core);
    dev_set_drvdata(&device->dev, core);
    result = vfio_pci_core_register_device(core);
    if (result != 0)
        vfio_put_device(&core->vdev);
    return result;
}

static void unbind(struct pci_dev *device)
{
    struct vfio_pci_core_device *core = dev_get_drvdata(&device->dev);

    vfio_pci_core_unregister_device(core);
    vfio_put_device(&core->vdev);
}

static const struct pci_device_id ids[] = {{PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_INTEL, 0x10d3)},
                                           {0}};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver card_driver = {
    .name = KBUILD_MODNAME,
    .id_table = ids,
    .probe = bind,
    .remove = unbind,
    .err_handler = &vfio_pci_core_err_handlers,
    .driver_managed_dma = true,
};
module_pci_driver(card_driver);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A VFIO driver of QEMU's e1000e, for the tests of hostpci");
