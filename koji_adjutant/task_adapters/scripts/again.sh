#!/bin/bash
# Makes the source package once more after packages were added, and builds it if its BuildRequires are there.
#
# usage: again.sh TARGET [THERE]
#
# THERE is the SHA-256 of BuildRequires, a line each, that were installed.
# shellcheck disable=SC2154 # common.sh sets topdir
find_spec "$topdir/SPECS"
make_source "${2-}" ''
