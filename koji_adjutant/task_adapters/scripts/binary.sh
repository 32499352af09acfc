#!/bin/bash
# Builds. MODE is bb, or ba after a round of dynamic BuildRequires.
#
# usage: binary.sh TARGET MODE
# shellcheck disable=SC2154 # common.sh sets topdir
find_spec "$topdir/SPECS"
[[ $2 == ba ]] || refuse_lacking
build "$2"
