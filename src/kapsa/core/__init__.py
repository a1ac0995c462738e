"""What should be: pure functions of values, without I/O, clock or randomness."""
