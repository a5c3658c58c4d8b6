# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of hostpci for bash. What there is to complete comes from the program
# itself and from the server that answers; without one, or after a second, nothing is completed.

# The children of the path $2 of the API, with $3 before each. `ls` prints what they allow in the first column.
_hostpci_children()
{
    timeout 1 "$1" ls "$2" 2>/dev/null | awk -v before="$3" '{ print before $2 }'
}

# The commands that a help page lists; not those that only hostpci itself uses.
_hostpci_verbs()
{
    timeout 1 "$@" help 2>/dev/null | awk -v at="$(($# + 1))" '
        /^  hostpci / && !/an internal command/ && !told[$at]++ { print $at }'
}

_hostpci_options()
{
    timeout 1 "$@" 2>/dev/null | grep -o '^ *--[a-z-]*'
}

# What may stand at this place: $1 is the program, then come the words before it, and at last what it begins with.
_hostpci_list()
{
    local program=$1 verb=${2-} place=$(($# - 2)) word=${*: -1}

    if ((place == 0)); then
        _hostpci_verbs "$program"
        return
    fi
    case $verb:$place:$word in
    *:-*) _hostpci_options "$program" help "$verb" ;;
    help:1:*) _hostpci_verbs "$program" ;;
    qm:1:*) _hostpci_verbs "$program" qm ;;
    qm:2:*) _hostpci_children "$program" /nodes/localhost/qemu ;;
    why:1:* | detach:1:* | attach:1:* | vfs:1:* | map:2:*)
        _hostpci_children "$program" /nodes/localhost/hardware/pci ;;
    map:1:*) _hostpci_children "$program" /cluster/mapping/pci ;;
    get:1:/* | create:1:/* | set:1:/* | delete:1:/* | ls:1:/* | usage:1:/*)
        word=${word%/*}
        _hostpci_children "$program" "${word:-/}" "$word/" ;;
    get:1: | create:1: | set:1: | delete:1: | ls:1: | usage:1:) _hostpci_children "$program" / / ;;
    esac
}

# bash ends a word at a colon, of which PCI ids have some; so the words are taken from the line itself.
_hostpci()
{
    local line=${COMP_LINE:0:COMP_POINT} words word candidate

    read -ra words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    word=${words[-1]}
    COMPREPLY=()
    while read -r candidate; do
        [[ $candidate == "$word"* ]] && COMPREPLY+=("${candidate#"${word%"${word##*:}"}"}")
    done < <(_hostpci_list "${words[@]}")
    [[ ${COMPREPLY[*]} == */* ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _hostpci hostpci
