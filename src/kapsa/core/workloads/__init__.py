"""What runs in an Environment: processes, their pods, configuration and volumes."""
