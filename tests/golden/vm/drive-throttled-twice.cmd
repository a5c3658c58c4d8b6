error: scsi0: mbps and mbps_rd cannot be set at the same time
