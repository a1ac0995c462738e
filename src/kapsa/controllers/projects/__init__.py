"""Projects: repositories are polled, and Environments are made, told what to run, and deleted."""
