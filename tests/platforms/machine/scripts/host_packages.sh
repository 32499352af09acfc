#!/bin/bash
# Installs what runs a virtual machine, unless it is there.
set -eu
type -P qemu-system-x86_64 && type -P qemu-img && type -P mke2fs && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install qemu-system-x86 qemu-utils e2fsprogs
