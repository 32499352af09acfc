#!/bin/bash
# Whether a spec file is to be looked into for rpmautospec; behind common.sh, before the action's own file.
# shellcheck disable=SC2154 # common.sh sets topdir

# Whether $1 in SPECS is the same as in a checkout with history in SOURCES, and may use that: what it has to contain then
# it may contain in other ways, which is not for a shell to tell.
may_use_history() {
    local checkout=$topdir/SOURCES here=$topdir/SPECS/$1 LC_ALL=C content
    [[ -d $checkout/.git && -f $checkout/$1 ]] || return
    [[ $(sha256sum 9>&- <"$here") == "$(sha256sum 9>&- <"$checkout/$1")" ]] || return
    content=$(tr -d '\0' 9>&- <"$here")
    [[ $content == *autorelease* || $content == *autochangelog* ]]
}
