"""All that bounds the memory of one terminal and of one viewer, in bytes.

A terminal's ring (512 KiB) is the runtime's to make: `RING_BYTES` in runtime/terminals.py. Beside
it a terminal keeps what was typed and not yet read, and each viewer what its socket has not yet
taken and a message that is not yet whole. Nothing else grows: a viewer is a place in the ring.
"""

from __future__ import annotations

INPUT_QUEUE_BYTES = 128 * 1024  # typed, and not yet read by the program
INPUT_BYTES = 64 * 1024  # of one message from the browser
MESSAGE_BYTES = INPUT_BYTES + 16  # with its type and what belongs to it
RECEIVE_BYTES = 64 * 1024  # taken from a socket at once
WINDOW_BYTES = 256 * 1024  # sent beyond what the browser has drawn; most of it is the kernel's
FRAME_BYTES = 64 * 1024  # of output in one frame; a viewer whose socket is full waits with one
WAITING_BYTES = 1024 * 1024  # for one that asks and never reads; then it is dropped
GLIMPSE_BYTES = 64 * 1024  # of output in one answer to web, which draws small pictures of it
TAIL_BYTES = 64 * 1024  # of output that a restored screen begins with
