"""Loading: a load from its first look at the sources to its report, and a plan of one."""
