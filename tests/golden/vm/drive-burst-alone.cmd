error: scsi0: iops_max needs iops
