#!/usr/bin/python3
"""Holds memory until it is ended, so that one can see who pays for it: hold.py MEGABYTES."""

import signal
import sys

MB = 1024 * 1024

if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
    sys.exit("Say how many megabytes, such as: python3 /lesson/hold.py 100")
held = b"\x55" * (int(sys.argv[1]) * MB)  # zeros could be given without taking any
signal.pause()
