"""Many files on many machines: the plan, the results and the report of one machine, with the work done by actors of Ray."""
