"""What one Environment is to be, and what its status says."""
