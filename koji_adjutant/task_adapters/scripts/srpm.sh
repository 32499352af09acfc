#!/bin/bash
# Makes a source package of a checkout, unless its history is to be worked into its spec file before.
#
# usage: srpm.sh TARGET DIRECTORY SPEC LAYOUT HISTORY [COMMAND...]
#
# SPEC is the spec file below DIRECTORY. LAYOUT is yes where sources may be in SOURCES, HISTORY where somebody works
# history in. COMMAND fetches sources first.
# shellcheck disable=SC2154 # common.sh sets the exit codes
directory=$2 spec=$3 layout=$4 history=$5
shift 5
(($# == 0)) || retrieve "$directory" "$@"
lay_out "$directory" "$spec" "$layout"
[[ $history == yes ]] && may_use_history "${spec##*/}" && finish autospec "$AUTOSPEC"
make_srpm "${spec##*/}"
