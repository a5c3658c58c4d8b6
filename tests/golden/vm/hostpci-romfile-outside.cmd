error: hostpci0: romfile '../vbios.rom' is not a name below the ROM folder: copy the file there first
