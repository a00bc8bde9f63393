"""The privileged half of Slipway: makes labs, and knows nothing of the web."""
