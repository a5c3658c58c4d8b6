error: 1500 MiB cannot be made of modules: after 1024 MiB the next module has 512 MiB
