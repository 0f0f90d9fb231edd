"""Why a photo is not read or written."""

from sr_keras.runtime.errors import UserError


class PhotoError(UserError):
    """A photo can't be read or written; the message is one line that names the file and the reason."""


class NameTakenError(PhotoError):
    """A file can't have its name, for another has it."""
