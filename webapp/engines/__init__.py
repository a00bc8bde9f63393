"""What makes labs. One engine so far: the runtime, whose client fills the seam as it is."""
