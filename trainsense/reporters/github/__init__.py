"""What GitHub's runners read: workflow commands, the step's summary, its outputs."""
