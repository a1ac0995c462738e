"""Pull Secrets: made where an image runs, kept in step, and removed."""
