# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of hostpci for fish. hostpci.bash knows what may stand at a place.

function __hostpci_list
    set -l file /usr/local/share/bash-completion/completions/hostpci
    set -q HOSTPCI_COMPLETION; and set file $HOSTPCI_COMPLETION
    set -l words (commandline -opc) (commandline -ct)
    bash -c '. "$1" && shift && _hostpci_list "$@" | tr -d " "' bash $file $words 2>/dev/null
end

complete -c hostpci -f -a '(__hostpci_list)'
