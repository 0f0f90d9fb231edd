"""Makes one clear line of whatever decoders and encoders raise."""

import contextlib
import os
import re
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from sr_keras.photos.errors import NameTakenError, PhotoError
from sr_keras.runtime import files


@contextlib.contextmanager
def named(name: object) -> Iterator[None]:
    """Within it, whatever is raised becomes a `PhotoError` of one line.

    Args:
        name: of what is read or written; a path stands before the reason.
    """
    prefix = f"{name}: " if isinstance(name, (str, os.PathLike)) else ""
    try:
        yield
    except PhotoError as error:
        if prefix and not str(error).startswith(prefix):
            raise PhotoError(f"{prefix}{error}") from None
        raise
    except FileExistsError as error:
        raise NameTakenError(f"{prefix}{files.reason(error)}") from None
    except UnidentifiedImageError:
        raise PhotoError(f"{prefix}not a picture") from None
    except OSError as error:
        reason = files.reason(error)
        damaged = reason.startswith(("decoder error", "broken data stream", "unrecognized data stream"))
        raise PhotoError(f"{prefix}damaged ({reason})" if damaged else f"{prefix}{reason}") from None
    except Image.DecompressionBombError as error:
        size = re.search(r"\d+", str(error))
        raise PhotoError(f"{prefix}it has {int(size[0]) if size else 0:,} pixels, more than are taken") from None
    except MemoryError:
        raise PhotoError(f"{prefix}too large for the memory of this machine") from None
    except Exception as error:
        reason = files.reason(error)
        # Some say no more than a number, or a key that is missing.
        raise PhotoError(f"{prefix}{reason if ' ' in reason else f'damaged ({reason})'}") from None
