error: virtio0: a CD-ROM cannot be on virtio: use ide, sata or scsi
