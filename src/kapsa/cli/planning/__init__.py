"""`kapsa plan`: what the operator would do, by the same core, and without doing it."""
