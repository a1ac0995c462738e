"""Registries: who Kapsa is to them, what they allow, and which images they have."""
