error: scsi0: the volume 'local-lvm:vm-100-disk-0' is in a storage pool, which there are none of here: give the absolute path of a file or block device
