"""Rules on the layers: what runs forward and back through them."""
