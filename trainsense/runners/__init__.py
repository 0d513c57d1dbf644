"""How trials run on one device."""
