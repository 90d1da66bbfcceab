"""The cases of `cases.py` that send files."""

from __future__ import annotations

import gzip
import io
import tempfile

from kit import TEXT, seen


def case_file(environ, start_response):
    """/file/HOW: a file of 200,000 bytes through the wrapper."""
    how = environ["PATH_INFO"].split("/")[2]
    data = bytes(range(256)) * 800
    if how == "memory":
        file = io.BytesIO(data)
    elif how == "big":
        file = tempfile.TemporaryFile()
        file.truncate(30_000_000)
    else:
        file = tempfile.TemporaryFile()
        file.write(data)
        file.seek(1000 if how == "offset" else 0)

    class Counting:
        def __init__(self):
            if how != "memory":
                self.fileno = file.fileno
                self.tell = file.tell

        def read(self, size=-1):
            seen("file_read_" + how)
            return file.read(size)

        def close(self):
            seen("file_close_" + how)
            file.close()

    headers = [*TEXT]
    if how == "length":
        headers.append(("Content-Length", "5000"))
    if how == "short":
        headers.append(("Content-Length", "300000"))
    start_response("200 OK", headers)
    return environ["wsgi.file_wrapper"](Counting(), 4096)


def case_gzip(environ, start_response):
    """Its fileno is that of the packed file."""
    packed = tempfile.TemporaryFile()
    with gzip.GzipFile(fileobj=packed, mode="wb") as writer:
        writer.write(b"unpacked" * 100)
    packed.seek(0)
    seen("gzip_read")
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](gzip.GzipFile(fileobj=packed, mode="rb"))
