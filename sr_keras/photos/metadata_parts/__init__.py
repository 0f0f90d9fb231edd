"""What belongs to a picture, kind by kind: EXIF, XMP, IPTC, GeoTIFF, colours. `photos.metadata` has all of it."""
