error: a VM with arch 'aarch64' cannot be started here: only x86_64
