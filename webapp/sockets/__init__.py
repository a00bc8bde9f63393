"""What crosses a socket: checked by `wire`, asked of `access`, then one function is called."""
