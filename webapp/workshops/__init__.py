"""The rules of a workshop. They know no HTTP and no socket."""
