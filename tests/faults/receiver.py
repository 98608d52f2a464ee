"""A webhook receiver that can go away and come back on the same port."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from history import Received


class Receiver:
    """Answers the handshake, writes down each notification before it answers 200, `delay` s later."""

    def __init__(self, delay=0.0):
        self.delay = delay
        self.received, self.handshakes, self.faults = [], 0, []
        self.verification = "secret-word"
        self.port, self._http, self._sockets = 0, None, set()
        self._lock = threading.Lock()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def open(self):
        """Listens; on the same port as before when it was open before."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                receiver._sockets.add(self.connection)

            def finish(self):
                receiver._sockets.discard(self.connection)
                super().finish()

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver._take(self, body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # connections are cut on purpose

        self._http = Server(("127.0.0.1", self.port), Handler)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def _take(self, handler, body):
        validation = handler.headers.get("Validation-Token")
        if validation:
            self.handshakes += 1
        else:
            if handler.headers.get("Verification-Token") != self.verification:
                self.faults.append(f"Verification-Token {handler.headers.get('Verification-Token')}")
            with self._lock:
                self.received.append(Received.from_envelope(json.loads(body)))
            time.sleep(self.delay)
        handler.send_response(200)
        if validation:
            handler.send_header("Validation-Token", validation)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def so_far(self):
        with self._lock:
            return list(self.received)

    def last_sequence(self):
        with self._lock:
            return max((event.sequence for event in self.received), default=0)

    def close(self):
        """Goes away: the port refuses connections, open ones are cut."""
        self._http.shutdown()
        self._http.server_close()
        for connection in list(self._sockets):
            try:
                connection.shutdown(2)
            except OSError:
                pass
