error: 64 MiB cannot be shared evenly by 3 sockets
