"""A class that is played by a program: real pages, sockets and terminals, and nobody at them."""
