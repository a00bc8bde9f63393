"""The nouns of the web, one file each: says, calls, exits. No rule."""
