"""Request in, template out. No rule, no query."""
