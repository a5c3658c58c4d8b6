error: scsi0: unable to parse volume ID 'local:../../etc/shadow'
