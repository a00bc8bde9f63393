#!/bin/sh
# Runs in the container of the server: makes its cgroups usable and starts ./slipway.
#   start.sh seccomp     prints the system call filter that `docker run` needs
#   start.sh WORD…       ./slipway WORD…
set -eu

top=/opt/slipway
data=${SLIPWAY_DATA:-/var/lib/slipway}

# Docker shows the container's own cgroups read-only; its labs live below them.
open_cgroups() {
  mount -o remount,rw /sys/fs/cgroup 2>/dev/null || return 0
  if [ -e /sys/fs/cgroup/cgroup.procs ]; then
    # v2: a cgroup that hands controllers down may hold no process itself.
    mkdir -p /sys/fs/cgroup/server
    while read -r pid; do
      echo "$pid" >/sys/fs/cgroup/server/cgroup.procs 2>/dev/null || :
    done </sys/fs/cgroup/cgroup.procs
    return 0
  fi
  for hierarchy in /sys/fs/cgroup/*/; do
    mount -o remount,rw,bind "$hierarchy" 2>/dev/null || :
  done
}

# The image lies in the container's own layers, where it can't be shown under other user ids.
plant_seed() {
  images=$data/runtime/images
  for seed in "$top"/seed/runtime/images/*/; do
    name=$(basename "$seed")
    if [ -e "$images/$name" ]; then continue; fi
    mkdir -p "$images"
    rm -rf "$images/.$name.seed"
    cp -a "$seed" "$images/.$name.seed"
    mv "$images/.$name.seed" "$images/$name"
  done
}

if [ "${1-}" = seccomp ]; then
  exec cat "$top/.slipway/seccomp.json"
fi
if [ "${1-}" = serve ]; then
  open_cgroups
  plant_seed
fi
exec "$top/slipway" "$@"
