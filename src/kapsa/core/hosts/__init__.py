"""Which host an Environment gets, and how requests reach it."""
