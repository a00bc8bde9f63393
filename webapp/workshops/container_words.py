"""What each wall of a container is for, in one sentence; `code` stands in backquotes."""

from __future__ import annotations

# ruff: noqa: RUF001, ISC004 - apostrophes as they are printed; sentences longer than a line

SECTIONS = {
    "sees": (
        "What it sees",
        "A namespace is a view of one part of the system. Your container has its own of almost "
        "every kind, so what is in the view is all there is for it.",
    ),
    "uses": (
        "What it may use",
        "The kernel counts what your programs use together, in a cgroup, and holds them to this.",
    ),
    "may": (
        "What it may do",
        "You may be root in your container. Root’s power comes in parts, and you have some.",
    ),
    "reaches": (
        "Whom it reaches",
        "Your container has one cable. It ends in a router of this server’s, with these rules.",
    ),
}

NAMESPACES = {
    "user": (
        "Users",
        "Root in your container is an ordinary user outside, one that owns nothing there.",
    ),
    "pid": (
        "Processes",
        "You see your own programs and nobody else’s, and their numbers begin at 1.",
    ),
    "mnt": (
        "Files",
        "The image is shared and can’t be written; what you write lands in your own layer, and "
        "goes with your container.",
    ),
    "net": (
        "Network",
        "An address and all ports are your own: your port 80 is in nobody’s way.",
    ),
    "uts": ("Name", "Your container has a name of its own; your prompt shows it."),
    "ipc": (
        "Talk between programs",
        "Message queues and shared memory of others aren’t there for your programs.",
    ),
    "cgroup": (
        "Place among the limits",
        "Below `/sys/fs/cgroup` you can read your own limits, and nobody else’s.",
    ),
    "time": (
        "Clock",
        "There is one clock, the server’s; not everything in a container is its own.",
    ),
}
KERNEL = (
    "Kernel",
    "All containers run on the server’s one kernel; a virtual machine would boot its own.",
)

# Title, sentence, and how it is said that the limit was met.
LIMITS = {
    "memory": (
        "Memory",
        "Over it, the kernel ends one of your programs. Nobody else’s.",
        "met: a program was ended",
    ),
    "pids": (
        "Processes",
        "Over it, a program can’t start another one. Threads count, too.",
        "met: refused",
    ),
    "cpu": (
        "Processor time",
        "Over it, your programs wait for their next turn: slower, never ended.",
        "met: waited",
    ),
    "disk": (
        "Disk",
        "Over it, writing fails with “no space left”. Nobody else’s disk shrinks.",
        "full",
    ),
    "inodes": ("Files and folders", "So many may lie on your disk, however small they are.", ""),
    "shm": ("Shared memory", "`/dev/shm` looks like a disk and is memory: it counts as both.", ""),
    "open-files": ("Open files", "So many may one program of yours have open at once.", ""),
    "terminals": ("Terminals", "So many shells can this page open in your container.", ""),
}

FIGURES = {
    "server": (
        "Whose figures",
        "`free`, `nproc` and `/proc/meminfo` ask the kernel, and it answers for the whole machine.",
        "the server’s",
    ),
    "container": (
        "Whose figures",
        "lxcfs lies over `/proc/meminfo` and its like, so `free` and `top` show your limits; "
        "`nproc` counts the processors that you may run on.",
        "your container’s",
    ),
}

RULES = {
    "capabilities": (
        "Root’s powers",
        "You keep those that `su`, `apt` and `ping` need. Loading modules, mounting disks and "
        "setting the clock aren’t among them.",
    ),
    "calls": (
        "System calls",
        "Programs ask the kernel by system calls; a filter refuses those that a container has no "
        "use for, such as making namespaces.",
    ),
    "hidden": (
        "Hidden",
        "Files of `/proc` and `/sys` that tell about the server are covered.",
    ),
    "read_only": ("Read only", "Settings of the kernel can be read, and not changed."),
    "learners": (
        "Other learners",
        "No packet of yours reaches another container, nor one of theirs you.",
    ),
    "server": (
        "The server",
        "None of its addresses answers you; this page comes to you another way.",
    ),
    "private": (
        "Networks around it",
        "Private ranges and the cloud’s metadata (`169.254.169.254`) refuse you at once.",
    ),
    "spoofing": (
        "Borrowed addresses",
        "What you send with another sender’s address is dropped at your end of the cable.",
    ),
    "mail": (
        "Mail",
        "No container here sends mail, or one would soon send spam in the server’s name.",
    ),
    "internet_on": ("Internet", "Your workshop lets you out; outside you appear as the server."),
    "internet_list": (
        "Internet",
        "Your workshop lists the names that you can reach. A name is answered if it is listed, "
        "and the answer opens its address for as long as the name server says.",
    ),
    "internet_off": (
        "Internet",
        "Your workshop is shut in; what you need is in your image already.",
    ),
    "share": ("Your share", "One learner can’t take the whole way out."),
}

SHUT = {
    "learners": "refused",
    "server": "refused",
    "private": "refused",
    "spoofing": "dropped",
    "mail": "port 25 refused",
    "internet_on": "on",
    "internet_off": "off",
}
