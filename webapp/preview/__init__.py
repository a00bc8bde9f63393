"""Web previews: a learner's own service in a browser, on an origin that is never Slipway's."""
