"""A lab's way to the world, and the walls along it. The only room that knows netlink."""
