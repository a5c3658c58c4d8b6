error: hugepages need numa to be enabled
