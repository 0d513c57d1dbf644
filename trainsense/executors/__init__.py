"""Where trials run; one file each, all with the interface of `interface.Executor`."""
