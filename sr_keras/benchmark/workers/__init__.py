"""Training steps in processes of their own, so that another build or another framework can be timed beside this one.

Each is run as a file. It prints "ready" when its step is built; then, for each line that it reads, it runs a step and prints
how long that took.
"""
