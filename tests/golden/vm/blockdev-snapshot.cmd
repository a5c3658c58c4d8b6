error: scsi0: snapshot needs a machine version below 10.0
