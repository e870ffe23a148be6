#!/bin/sh
# Runs a node as a container's main program. An init in front of it (the image's, or
# `docker run --init`) collects what ends; `cell0 up`, which this becomes, gets the
# signals and has its cradle stop node, core and broker in order. Arguments go to `cell0 up`.
set -eu
data=${CELL0_DATA_DIR:-/data}
umask 077
mkdir -p "$data"
if [ "$(stat -c %a "$data")" != 700 ]; then
  chmod 700 "$data" || {
    echo "$data must be this user's alone (mode 700)" >&2
    exit 1
  }
fi
exec "${CELL0_BIN:-cell0}" --data-dir "$data" --json up "$@"
