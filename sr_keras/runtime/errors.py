"""An error that is reported in one line, instead of a traceback."""


class UserError(Exception):
    """What a user asked for can't be done; the message is one line that names the thing and the reason."""


def one_line(message: str) -> str:
    """A message as a terminal can show it: on one line, and `printable`."""
    return printable(" ".join(message.split()))


def printable(text: str) -> str:
    """A text with its control characters, which a file's name may hold, spelt out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
