error: 'virt' is not a machine type of x86_64
