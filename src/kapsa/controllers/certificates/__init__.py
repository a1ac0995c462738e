"""Certificates: wildcards are ordered, and copied to where they are used."""
