"""Memory and time of trainings: modelled for sizes and machines, and measured on this one."""
