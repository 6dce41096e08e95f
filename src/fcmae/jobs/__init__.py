"""Jobs of a cluster: what they ask for, and how a command becomes one."""
