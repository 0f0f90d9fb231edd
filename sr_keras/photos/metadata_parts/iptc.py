"""IPTC-IIM: captions as agencies have them."""

import contextlib
import struct

from sr_keras.photos.metadata_parts.tagged_file import TaggedFile, as_bytes

TAG = 33723
_RESOURCE = 1028


def read(file: TaggedFile) -> bytes | None:
    """Its records."""
    if file.format == "TIFF":
        with contextlib.suppress(Exception):
            return as_bytes(file.getexif().get(TAG))
        return None
    resources = file.info.get("photoshop")
    return as_bytes(resources.get(_RESOURCE)) if isinstance(resources, dict) else None


def segment(records: bytes) -> bytes:
    """IPTC records as a segment of a JPEG; empty if they are too long for one."""
    resource = b"8BIM" + struct.pack(">HHI", _RESOURCE, 0, len(records)) + records + b"\0" * (len(records) % 2)
    content = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content if len(content) < 65534 else b""
