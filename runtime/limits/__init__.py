"""What a lab may use, and which user ids are its own."""
