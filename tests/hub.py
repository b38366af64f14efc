"""A model hub of our own: as much as its real client needs to fetch one repository, someone/whisper."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse

COMMIT = "a" * 40
FILES = {
    "model.bin": bytes(range(256)) * 8_192,  # 2 MB
    "config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}',
    "vocabulary.txt": b"a\nb\n",
    "preprocessor_config.json": b"{}",
    "README.md": b"not asked for",
}


class Hub(BaseHTTPRequestHandler):
    """As much of a model hub as its client needs to fetch one repository: someone/whisper."""

    protocol_version = "HTTP/1.1"
    files: Mapping[str, bytes] = FILES
    gate: threading.Event | None = None  # half of model.bin comes at once, the rest when it is set
    log: list[str]
    announced_sha256: str | None = None

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = urlparse(self.path).path
        self.log.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        name = path.rsplit("/", 1)[-1]
        if path == "/api/models/someone/whisper":
            listed = [self.described(file, data) for file, data in self.files.items()]
            self.send(200, json.dumps({"id": "someone/whisper", "sha": COMMIT, "siblings": listed}).encode())
        elif path.startswith("/someone/whisper/resolve/") and name in self.files:
            self.send_file(self.files[name])
        else:
            self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def described(self, file: str, data: bytes) -> dict[str, object]:
        large = {
            "sha256": self.announced_sha256 or hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "pointerSize": 1,
        }
        return {"rfilename": file, "size": len(data), **({"lfs": large} if file == "model.bin" else {})}

    def send_file(self, data: bytes) -> None:
        labels = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        if start:
            labels["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.send(206 if start else 200, data[start:], labels)

    def send(self, code: int, body: bytes, labels: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for label, value in {"Content-Length": str(len(body)), **(labels or {})}.items():
            self.send_header(label, value)
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(ConnectionError):  # the client may leave
                self.send_body(body)

    def send_body(self, body: bytes) -> None:
        sent = 0
        if self.gate and self.path.endswith("model.bin"):
            sent = len(body) // 2
            self.wfile.write(body[:sent])
            while not self.gate.wait(0.2):  # slow, not dead: a dead one is given up after 10 s
                self.wfile.write(body[sent : sent + 1])
                sent += 1
        self.wfile.write(body[sent:])

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@contextlib.contextmanager
def serving(hub: type[Hub]) -> Iterator[tuple[str, list[str]]]:
    """Its address, and the list of what it was asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisHub", (hub,), {"log": asked}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
