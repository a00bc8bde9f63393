"""The workshop's registry: a mirror for the class, and a place of each learner's own."""
