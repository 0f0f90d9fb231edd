"""What the head of a FITS file says, and Pillow passes over."""

from typing import BinaryIO

from PIL import Image

from sr_keras.photos.errors import PhotoError

_CARD = 80  # bytes of one "KEYWORD = value / comment"


def require_plain(file: Image.Image, stream: BinaryIO) -> None:
    """Refuses a FITS that Pillow would read otherwise than it is meant.

    Pillow 13 ignores the offset and the factor of stored values, takes 16 bits, which FITS means as signed, for unsigned, and
    reads the first plane alone (findings/pillow_fits_has_other_tones.sh).

    Args:
        file: of any format, open.
        stream: that it was opened from.

    Raises:
        PhotoError: it is such a FITS.
    """
    if file.format != "FITS":
        return
    place = stream.tell()
    stream.seek(0)
    head = stream.read(file.tile[0].offset)  # type: ignore[attr-defined]
    stream.seek(place)
    if reason := _reason(head):
        raise PhotoError(f"a FITS of a kind that is not read: {reason}; save it as TIFF")


def _reason(head: bytes) -> str | None:
    cards = {head[start : start + 8].strip(): head[start + 10 : start + _CARD] for start in range(0, len(head), _CARD)}

    def number(*keywords: bytes, default: float) -> float:
        found = next((cards[keyword] for keyword in keywords if keyword in cards), b"")
        return float(found.split(b"/")[0].replace(b"D", b"E") or default)

    if number(b"BZERO", default=0) != 0 or number(b"BSCALE", default=1) != 1:
        return "its values have an offset or a factor (BZERO, BSCALE)"
    if number(b"ZBITPIX", b"BITPIX", default=8) == 16:
        return "its values are signed 16-bit integers"
    planes = int(number(b"ZNAXIS3", b"NAXIS3", default=1))
    return f"it has {planes} planes" if planes > 1 else None
