error: scsi0: storage 'local-lvm' does not exist: the only one here is 'local'; name a volume of it, or the absolute path of a file below a --volume-dir of the daemon
