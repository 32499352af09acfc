#!/bin/bash
# Fetches sources by a command, and nothing else.
#
# usage: sources.sh TARGET DIRECTORY COMMAND...
shift
retrieve "$@"
finish built 0
