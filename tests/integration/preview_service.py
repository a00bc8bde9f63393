"""A service as a learner may write it, started in a lab; its answers tell what reached it.

    python3 preview_service.py PORT

It says the headers that a request's `Say-` headers name, and on /raw any bytes at all.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import sys
import threading
from contextlib import suppress

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        match path:
            case "/events":
                self.events()
            case "/socket":
                self.echo()
            case "/raw":
                self.raw()
            case "/hang":
                self.wait_for_the_end()
            case "/leave":
                self.say(302, "", ("Location", f"http://localhost:{PORT}/arrived?x=1"))
            case _:
                told = [
                    (name[4:], value) for name, value in self.headers.items() if name[:4] == "Say-"
                ]
                heard = {"path": self.path, "headers": self.headers.items()}
                self.say(200, json.dumps(heard), *told)

    def do_POST(self) -> None:
        digest, count = hashlib.sha256(), 0
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                digest.update(self.rfile.read(size))
                self.rfile.readline()
                count += size
            self.rfile.readline()
        else:
            count = int(self.headers["Content-Length"])
            left = count
            while left:
                piece = self.rfile.read(min(left, 65536))
                digest.update(piece)
                left -= len(piece)
        self.say(200, json.dumps({"bytes": count, "sha256": digest.hexdigest()}))

    def events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(3):
            self.wfile.write(f"data: {number}\n\n".encode())
            GO_ON.acquire()

    def do_PUT(self) -> None:
        GO_ON.release()
        self.say(200, "")

    def echo(self) -> None:
        key = self.headers["Sec-WebSocket-Key"] + GUID
        accept = base64.b64encode(
            hashlib.sha1(key.encode(), usedforsecurity=False).digest()
        ).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        while data := self.connection.recv(4096):
            self.connection.sendall(data)  # an echo of frames, as they came
        self.close_connection = True

    def wait_for_the_end(self) -> None:
        """Say nothing until the other side leaves: a thread that stayed would fill the lab."""
        self.close_connection = True
        with suppress(ConnectionResetError):
            self.connection.recv(1)

    def raw(self) -> None:
        """Whatever bytes the query says."""
        said = base64.urlsafe_b64decode(self.path.partition("?")[2])
        self.connection.sendall(said * int(self.headers.get("Say-Times", "1")))
        self.close_connection = True

    def say(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


PORT = int(sys.argv[1])
GO_ON = threading.Semaphore(0)
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Service).serve_forever()
