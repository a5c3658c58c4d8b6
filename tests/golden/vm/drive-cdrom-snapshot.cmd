error: ide2: a CD-ROM cannot have snapshot
