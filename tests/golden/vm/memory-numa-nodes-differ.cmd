error: total memory for NUMA nodes must be equal to the VM's memory: 32 is not 64 MiB
