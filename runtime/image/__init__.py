"""What labs are made from: root file systems, kept whole or not at all."""
