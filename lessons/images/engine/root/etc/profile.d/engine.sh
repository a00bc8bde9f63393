# Where the learner's engine keeps what lives as long as its containers.
if [ -d "/run/user/${EUID:-0}" ]; then export XDG_RUNTIME_DIR="/run/user/$EUID"; fi
