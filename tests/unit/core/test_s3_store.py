"""Blobs on S3: boto3 against a small test server, which counts the bytes that it sends."""

import hashlib
import http.server
import io
import threading
from collections.abc import Iterator

import pytest

from marketplace.core.storage import BlobMissing, BlobStore, RemoteFile, blob_store
from providers.validation.safetensors import check_safetensors
from providers.validation.source import StoredSource
from tests.support.folders import weights


class Bucket(http.server.ThreadingHTTPServer):
    """Objects by path; `sent` counts bytes of bodies."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, bytes] = {}
        self.sent = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.objects[self.path.split("?")[0]] = body
        self._answer(200, b"", {"ETag": '"x"'})

    def do_HEAD(self) -> None:
        found = self.server.objects.get(self.path.split("?")[0])
        if found is None:
            self._answer(404, b"", {})
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()

    def do_GET(self) -> None:
        found = self.server.objects[self.path.split("?")[0]]
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206)
        self.send_header("Content-Length", str(len(found) - start))
        self.end_headers()
        try:
            for position in range(start, len(found), 65_536):
                self.wfile.write(found[position : position + 65_536])
                self.server.sent += 65_536
        except OSError:
            self.close_connection = True  # the reader closed the connection

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def bucket(settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:  # type: ignore[no-untyped-def]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"):
        monkeypatch.setenv(name, "when_required")
    server = Bucket()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.STORAGE_URL = f"s3://weights/market?endpoint=http://127.0.0.1:{server.server_port}&region=eu-central-1"
    blob_store.cache_clear()
    yield server
    blob_store.cache_clear()
    server.shutdown()
    thread.join()
    server.server_close()


def put(bucket: Bucket, content: bytes) -> str:
    """Put a blob into the bucket with the store, and return its digest."""
    return blob_store().put(content).sha256


def test_a_blob_is_read_from_any_position(bucket: Bucket):
    content = bytes(range(256)) * 1_000
    store: BlobStore = blob_store()
    sha256 = put(bucket, content)
    assert list(bucket.objects) == [f"/weights/market/sha256/{sha256[:2]}/{sha256}"]
    with store.open(sha256) as stream:
        assert stream.read(3) == content[:3]
        stream.seek(100_000)
        assert stream.read(5) == content[100_000:100_005]
        stream.seek(-4, 2)
        assert stream.read() == content[-4:]
        assert stream.read() == b""
    assert b"".join(store.chunks(sha256, start=7, length=70_000)) == content[7:70_007]
    with store.open(sha256) as stream:
        assert stream.read() == content


def test_checking_weights_fetches_their_header_only(bucket: Bucket):
    size = 64 * 1024 * 1024
    header = {"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    content = weights(header, data=bytes(size))
    sha256 = hashlib.sha256(content).hexdigest()
    bucket.objects[f"/weights/market/sha256/{sha256[:2]}/{sha256}"] = content  # boto3 would upload it in parts
    assert check_safetensors(StoredSource(sha256, len(content))) == size
    assert bucket.sent < size // 4, "what sockets hold in between, and no more"


def test_what_is_not_there_is_missing(bucket: Bucket):
    with pytest.raises(BlobMissing):
        blob_store().open("0" * 64)


def test_an_interrupted_stream_is_an_error():
    remote = RemoteFile(10, lambda start: io.BytesIO(b"01234"[start:]))
    with pytest.raises(OSError, match="the store broke off at byte 5 of 10"):
        io.BufferedReader(remote).read()
