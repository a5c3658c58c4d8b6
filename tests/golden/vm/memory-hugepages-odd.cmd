error: the 64 MiB of 'ram-node0' are not a multiple of the 1024 MiB of a huge page
