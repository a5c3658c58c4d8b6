error: scsi0: iops_max_length needs iops_max
