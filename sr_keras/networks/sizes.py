"""Checks the sizes that a network is built with."""


def require_at_least(smallest: int, **sizes: int) -> None:
    """Raises ValueError if a size is below `smallest`; the message names it."""
    for name, size in sizes.items():
        if size < smallest:
            raise ValueError(f"{name} must be at least {smallest}, got {size}")
