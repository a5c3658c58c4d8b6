/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linked into the tests' hostpci: `hostpci broker` works on the host in the folder $HOSTPCI_KERNEL, whose
 * kernel is simulated, so that what the page does can be seen to the end without the hardware. */
#include <stdlib.h>
#include <string.h>

#include "tests/hosts/kernel.h"

__attribute__((constructor)) static void install(int argc, char **argv)
{
    const char *tree = getenv("HOSTPCI_KERNEL");

    if (tree != NULL && argc > 1 && strcmp(argv[1], "broker") == 0)
        kernel_install(tree);
}
