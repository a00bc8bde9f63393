#!/bin/sh
# Runs once, while the image of the server is made (Dockerfile.host).
set -eu

top=/opt/slipway
log=$top/.slipway/setup.log
yes=1
. "$top/setup/say.sh"
. "$top/setup/debian.sh"

"$top/slipway" setup
# Docker's own system call filter forbids what labs are made with; podman's, less strict towards
# whoever holds the capability, serves. `start.sh seccomp` prints it for `docker run`.
take_file golang-github-containers-common usr/share/containers/seccomp.json seccomp.json
# Labs start from an image; it goes into the volume at the first start.
"$top/slipway" image build --data "$top/seed"

apt-get clean
rm -rf /var/lib/apt/lists/* /root/.cache "$log"
