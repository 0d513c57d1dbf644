"""Orders the stages, judges their evidence, assembles the `Report`."""
