"""A page in the browser, and the same as an HTTP interface: pictures in, larger pictures out."""
