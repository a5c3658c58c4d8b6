error: vcpus cannot be above sockets times cores, which is 2
