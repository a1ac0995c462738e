"""Images on registries: who may look them up, push them and run them."""
