"""What every controller works with: caches, queues, and the one way to write."""
