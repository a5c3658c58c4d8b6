error: machine type 'virt' is none of an x86_64
