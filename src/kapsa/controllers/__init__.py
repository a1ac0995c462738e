"""When things happen: queues of keys, and gather, plan, apply, report for each kind."""
