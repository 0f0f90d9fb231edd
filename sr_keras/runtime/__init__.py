"""The process and the machine: signals, precision, files that appear whole, argument types, counts of what became of photos."""
