#!/bin/bash
# What a worker of koji-box is started by, without its orchestrator: authority and keytab lie in /orch.
#
# KOJI_WORKER_KEYTAB names the keytab there; KOJID_PRINC is whose it is. The rest is for kojid.conf.
set -eu

export KOJID_KEYTAB=/app/kojid.keytab
install -D -m 0644 /orch/ca.crt /usr/local/share/ca-certificates/koji-box.crt
update-ca-certificates >/dev/null
install -o koji -g koji -m 0600 "/orch/$KOJI_WORKER_KEYTAB" "$KOJID_KEYTAB"
python3 -c 'import os, sys; sys.stdout.write(os.path.expandvars(sys.stdin.read()))' \
    </app/kojid.conf.template >/etc/kojid/kojid.conf
cd /var/tmp/koji
exec su koji -c "kojid --fg ${BUILDER_ARGS}"
