"""What a user is told in one line, instead of a traceback."""


class UserError(Exception):
    """What a user asked for can't be done; the message is one line that names the thing and the reason."""
