error: tpmstate0 is kept, but a VM cannot be started with it here
