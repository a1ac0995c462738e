"""Hosts and subdomains: what DomainPools offer, and who has claimed what."""
