error: nested-virt is not possible: the vendor of the host's processor is not known
