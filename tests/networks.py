"""A small network of each family."""

from sr_keras import generators

SMALL = {
    "srgan": {"num_blocks": 1, "filters": 4, "upscale_filters": 4},
    "edsr": {"num_blocks": 1, "filters": 4},
    "espcn": {},
    "lapsrn": {"num_blocks": 1, "filters": 4},
}


def small(name, **sizes):
    """With random weights."""
    return generators.build(name, **{**SMALL[name], **sizes})
