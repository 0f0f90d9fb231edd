"""What installs the packages of an extra, for messages: the project is on no package index, so it is done in the checkout."""


def install(extra: str) -> str:
    """The command, and where it is called."""
    return f"pip install '.[{extra}]' in the checkout"
