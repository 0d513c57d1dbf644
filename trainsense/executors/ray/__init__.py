"""The engine `ray`: trials on a Ray of this machine's own, or on a cluster."""
