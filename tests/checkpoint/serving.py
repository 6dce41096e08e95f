"""A server on the loopback address that answers as it is told to."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(kw_only=True)
class Answer:
    """What one address gives.

    Attributes:
        content: The body.
        kind: Its content type.
        status: HTTP status.
        length: What the header says of its length; the truth by default.
        headers: Further headers.
    """

    content: bytes = b""
    kind: str = "application/octet-stream"
    status: int = 200
    length: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Server:
    """Answers by path; what was asked is written down."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def hub_file(self, repo: str, name: str, content: bytes, commit: str = "c" * 40) -> None:
        """Serve a file as the Hugging Face hub does."""
        sha = hashlib.sha256(content).hexdigest()
        for revision in ("main", commit):
            self.answers[f"/{repo}/resolve/{revision}/{name}"] = Answer(
                content=content, headers={"ETag": f'"{sha}"', "X-Repo-Commit": commit}
            )


@contextmanager
def serving() -> Iterator[Server]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.reply(body=True)

        def do_HEAD(self) -> None:
            self.reply(body=False)

        def reply(self, *, body: bool) -> None:
            server.asked.append(f"{self.command} {self.path}")
            missing = Answer(status=404, headers={"X-Error-Code": "EntryNotFound"})
            answer = server.answers.get(self.path, missing)
            self.send_response(answer.status)
            length = len(answer.content) if answer.length is None else answer.length
            if length >= 0:
                self.send_header("Content-Length", str(length))
            self.send_header("Content-Type", answer.kind)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            if body:
                self.wfile.write(answer.content)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(url=f"http://127.0.0.1:{http.server_address[1]}")
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        http.shutdown()
        thread.join()
