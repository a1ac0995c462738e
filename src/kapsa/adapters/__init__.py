"""How Kapsa reaches the world: one outside system per file."""
