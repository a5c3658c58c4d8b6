error: numa0: memory must be from 0 to 4194304 MiB, not 1e+300
