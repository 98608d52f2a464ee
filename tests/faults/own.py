"""Lampfield's own API: reporting calls, reading snapshots, reading the event stream."""

import http.client
import json
import threading
from urllib.parse import quote, urlencode

from history import Committed, Received
from server import wait_until


class Refused(Exception):
    """An answer outside 2xx."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        code = body.get("errorCode") if isinstance(body, dict) else None
        super().__init__(f"{status} {code or ''} {body if code is None else body.get('message')}")


class Door:
    """Requests with a bearer token, over one connection each or, for one thread, over one for all."""

    def __init__(self, address, token, *, keep=False, timeout=30.0):
        self.address, self.token, self.keep, self.timeout = address, token, keep, timeout
        self.connection = None

    def call(self, method, path, body=None, *, query=None, headers=None):
        """Makes one request; returns (status, headers, parsed body). Raises OSError when cut off."""
        if query:
            path += "?" + urlencode(query)
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(*self.address, timeout=self.timeout)
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        if not self.keep:
            self.close()
        return answer.status, answer.headers, _parsed(text, answer.headers)

    def get(self, method_path, **keywords):
        return self._good("GET", method_path, None, keywords)

    def put(self, path, body, **keywords):
        return self._good("PUT", path, body, keywords)

    def post(self, path, body=None, **keywords):
        return self._good("POST", path, body, keywords)

    def delete(self, path, **keywords):
        return self._good("DELETE", path, None, keywords)

    def _good(self, method, path, body, keywords):
        status, headers, parsed = self.call(method, path, body, **keywords)
        if not 200 <= status < 300:
            raise Refused(status, headers, parsed)
        return parsed

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _parsed(text, headers):
    if not text:
        return None
    if "json" in headers.get("Content-Type", ""):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


class Office:
    """The demo's account seen through an administrator's key."""

    def __init__(self, server, account):
        self.server, self.account = server, account
        self.base = f"/lampfield/v1/accounts/{account}"

    def door(self, *, keep=False):
        return Door(self.server.address, self.server.settings["LAMPFIELD_ADMIN_TOKEN"], keep=keep)

    def extensions(self):
        """Returns every extension record of the account."""
        door, records, page = self.door(), [], 1
        while True:
            answer = door.get(f"{self.base}/extensions", query={"page": page, "perPage": 1000})
            records += answer["records"]
            if len(answer["records"]) < 1000:
                return records
            page += 1

    def snapshot(self, detail="detailed"):
        return self.door().get(f"{self.base}/snapshot", query={"detail": detail})

    def call_path(self, source, extension, call):
        return f"{self.base}/sources/{quote(source)}/extensions/{extension}/calls/{quote(call)}"

    def presence_path(self, extension):
        return f"{self.base}/extensions/{extension}/presence"


class LogReader(threading.Thread):
    """Follows the account's log live from a position on, and comes back after every cut.

    A reader that lags far behind may be given only the newest event of each extension, so the log is
    read while it grows; that none is missing is proven by its offsets (`history.log_is_gapless`).
    """

    def __init__(self, office, token=None):
        super().__init__(daemon=True, name="log reader")
        self.office = office
        self.token = token or office.server.settings["LAMPFIELD_ADMIN_TOKEN"]
        self.start_position = self.last_id = office.snapshot()["position"]
        self.committed, self.received, self.faults, self.cuts = [], [], [], 0
        self._ended = threading.Event()
        self.start()

    def run(self):
        path = f"{self.office.base}/stream?detail=detailed"
        while not self._ended.is_set():
            try:
                for event, at, data in stream(self.office.server.address, path, self.token, self.last_id):
                    if event == "presence":
                        self.committed.append(Committed.from_envelope(data, offset_of(at)))
                        self.received.append(Received.from_envelope(data))
                        self.last_id = at
                    elif event == "reset":
                        self.faults.append(f"reset: {data}")
            except Refused as error:
                self.faults.append(str(error))
            except (OSError, ValueError, http.client.HTTPException):
                pass
            self.cuts += 1
            self._ended.wait(0.02)

    def log(self, within=60.0):
        """Returns every record from the start to the present end of the log."""
        end = offset_of(self.office.snapshot()["position"])
        here = lambda: offset_of(self.last_id) >= end
        wait_until(here, within, lambda: f"log read to {end}; at {self.last_id}; {self.faults}")
        if self.faults:
            raise AssertionError(self.faults)
        return list(self.committed)

    def last_sequence(self):
        return self.received[-1].sequence if self.received else 0

    def end(self):
        self._ended.set()


def offset_of(position):
    """Returns the offset of a position `epoch-offset`."""
    return int(str(position).rsplit("-", 1)[1])


def stream(address, path, token, last_event_id=None, timeout=20.0):
    """Yields (event, id, data) from a server-sent event stream until it ends."""
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise Refused(answer.status, answer.headers, _parsed(answer.read(), answer.headers))
        event, at, data = "message", None, []
        while line := answer.readline():
            line = line.decode().rstrip("\r\n")
            if not line:
                if data:
                    yield event, at, json.loads("\n".join(data))
                event, data = "message", []
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                event = value
            elif name == "id":
                at = value
            elif name == "data":
                data.append(value)
    finally:
        connection.close()
