"""Images that Kapsa builds: when, of what, by which strategy."""
