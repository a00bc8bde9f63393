"""Labs: make one, end one, keep some ready, look into one from outside."""
