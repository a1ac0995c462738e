"""What Kapsa costs: memory, writes and time."""
