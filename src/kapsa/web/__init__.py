"""What Kapsa serves over HTTP."""
