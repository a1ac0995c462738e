"""How hosts get their certificates."""
