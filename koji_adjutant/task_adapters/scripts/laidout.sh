#!/bin/bash
# Makes a source package of a checkout that was laid out.
#
# usage: laidout.sh TARGET SPEC
#
# SPEC is the name of the spec file in SPECS.
make_srpm "$2"
