error: memory size (512) must be at least 1024 for hotplugging
