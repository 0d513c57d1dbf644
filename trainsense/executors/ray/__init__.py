"""The engine `ray`: trials on a Ray of this machine's own, or on a cluster.

Without RAY_ADDRESS a local Ray is started when the first trial is run, and ended with the command. With it, the cluster there
is joined (`host:6379` from one of its machines, `ray://host:10001` from any, `auto` for the one running here): the workload's
folder is packed and shipped, but for what `.rayignore` names, hidden files and the run directory; so is trainsense itself.
Python, Ray and torch must be there in this machine's versions, and data outside the folder where every node can read it.
"""
