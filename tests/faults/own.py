"""Lampfield's own API: reporting calls, reading snapshots, reading the event stream."""

import http.client
import json
from urllib.parse import quote, urlencode

from history import Committed


class Refused(Exception):
    """An answer outside 2xx."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        code = body.get("errorCode") if isinstance(body, dict) else None
        super().__init__(f"{status} {code or ''} {body if code is None else body.get('message')}")


class Door:
    """One keep-alive connection with a bearer token; for one thread."""

    def __init__(self, address, token, timeout=30.0):
        self.address, self.token, self.timeout = address, token, timeout
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

    def door(self, token=None):
        return Door(self.server.address, token or self.server.settings["LAMPFIELD_ADMIN_TOKEN"])

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

    def committed_after(self, position, token=None, detail="detailed"):
        """Reads the log after `position` up to its present end, from the stream."""
        end = offset_of(self.snapshot(detail)["position"])
        committed = []
        if offset_of(position) == end:
            return committed
        for event, at, data in self.stream(position, token, detail):
            if event == "reset":
                raise AssertionError(f"the log after {position} is gone: {data}")
            if event != "presence":
                continue
            committed.append(Committed.from_envelope(data, offset_of(at)))
            if offset_of(at) >= end:
                return committed
        raise AssertionError(f"the stream ended at {len(committed)} events before offset {end}")

    def stream(self, after, token=None, detail="detailed", timeout=20.0):
        """Yields (event, id, data) of the server-sent events after a position."""
        path = f"{self.base}/stream?" + urlencode({"detail": detail, "after": after})
        return stream(self.server.address, path, token or self.server.settings["LAMPFIELD_ADMIN_TOKEN"], timeout)


def offset_of(position):
    """Returns the offset of a position `epoch-offset`."""
    return int(str(position).rsplit("-", 1)[1])


def stream(address, path, token, timeout=20.0, last_event_id=None):
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
