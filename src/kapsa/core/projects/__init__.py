"""What a Project wants: its Environments, their namespaces and their images."""
