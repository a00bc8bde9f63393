# Where the learner's engine keeps what lives as long as its containers.
if [ -d "/run/user/${EUID:-0}" ]; then export XDG_RUNTIME_DIR="/run/user/$EUID"; fi
# From podman 5 on each command says so on a server with cgroup v1; a learner can't change it.
export PODMAN_IGNORE_CGROUPSV1_WARNING=1
