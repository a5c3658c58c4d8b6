error: to use Intel vIOMMU please set the machine type to q35
