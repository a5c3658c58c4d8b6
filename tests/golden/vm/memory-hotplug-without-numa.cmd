error: numa needs to be enabled for memory hotplug
