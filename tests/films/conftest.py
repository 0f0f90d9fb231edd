import importlib.util

# PyAV isn't there for Python 3.10.
collect_ignore_glob = [] if importlib.util.find_spec("av") else ["test_*.py"]
