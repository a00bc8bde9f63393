"""Slipway as a service of the machine: what systemd is told, who it runs as, and the way back."""
