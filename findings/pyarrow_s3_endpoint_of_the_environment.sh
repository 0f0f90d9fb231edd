#!/usr/bin/env bash
# pyarrow 26.0.1 (PyPI, x86-64 Linux, Python 3.11): AWS_ENDPOINT_URL, by which AWS's own tools are led to another store that speaks S3
# (MinIO, Ceph, a test server), holds for `FileSystem.from_uri("s3://...")` and not for `S3FileSystem()`, which asks Amazon all the same:
# with that store's keys, and for buckets of the same names. Nothing warns. Access key, secret and session come from the
# environment in both.
#
# Workaround: make file systems from URIs, or pass `endpoint_override=` and `scheme=`.
#
# The script starts a server on the loopback address, names it in the environment, and asks each of the two for a file. The second
# has that server as its proxy too, which lets nothing through, so that nothing leaves the machine, and notes who is wanted.
# It fails if both ask the server of the environment, or none.
#
# Seen:
#   from_uri wants 127.0.0.1
#   S3FileSystem() wants bucket.s3.us-east-1.amazonaws.com
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1

cat >show.py <<'PYTHON'
import contextlib
import http.server
import os
import threading

wanted = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.note(404)

    def do_GET(self):
        self.note(404)

    def do_CONNECT(self):
        self.note(502)

    def note(self, answer):
        wanted.append(self.headers["Host"].partition(":")[0])
        self.send_response(answer)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
here = f"http://127.0.0.1:{server.server_port}"
os.environ.update(AWS_ENDPOINT_URL=here, AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret", AWS_EC2_METADATA_DISABLED="true")

from pyarrow import fs  # reads the environment

by_uri, path = fs.FileSystem.from_uri("s3://bucket/photo.jpg?region=us-east-1")
made = fs.S3FileSystem(region="us-east-1", proxy_options=here)
seen = []
for name, file_system in (("from_uri", by_uri), ("S3FileSystem()", made)):
    wanted.clear()
    with contextlib.suppress(OSError):
        file_system.get_file_info(path)
    seen.append(set(wanted))
    print(name, "wants", *set(wanted))
raise SystemExit(seen != [{"127.0.0.1"}, {"bucket.s3.us-east-1.amazonaws.com"}])
PYTHON

venv/bin/python show.py || { echo "pyarrow behaves otherwise than described above"; exit 1; }
