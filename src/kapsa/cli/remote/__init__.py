"""What the commands that work at a cluster share."""
