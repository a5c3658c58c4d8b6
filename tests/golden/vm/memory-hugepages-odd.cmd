error: 64 MiB of 'ram-node0' are no multiple of a huge page of 1024 MiB
