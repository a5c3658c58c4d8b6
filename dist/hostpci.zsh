#compdef hostpci
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of hostpci for zsh. hostpci.bash knows what may stand at a place.

() {
    local file=${HOSTPCI_COMPLETION:-/usr/local/share/bash-completion/completions/hostpci}
    local -a found

    found=("${(@f)$(bash -c '. "$1" && shift && _hostpci_list "$@" | tr -d " "' bash $file "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    if [[ ${found[1]-} == /* ]]; then
        compadd -S '' -- $found
    else
        compadd -- $found
    fi
}
