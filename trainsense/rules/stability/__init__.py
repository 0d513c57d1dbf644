"""Rules on stability: learning rate, instability, clipping, warmup."""
