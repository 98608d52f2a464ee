"""The RingCentral side of the server, by hand: log-in, WebSocket tokens, subscriptions."""

import base64
import json
import uuid
from collections import Counter
from threading import Event, Lock, Thread
from urllib.parse import urlencode

import own
from history import Received
from server import wait_until
from websocket import Closed, Rejected, WebSocket

SUBSCRIPTION = "/restapi/v1.0/subscription"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def basic(settings):
    pair = f"{settings['RC_CLIENT_ID']}:{settings['RC_CLIENT_SECRET']}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def request_token(server, form):
    """Posts to the token endpoint; returns (status, headers, body)."""
    door = own.Door(server.address, "")
    headers = {
        "Authorization": basic(server.settings), "Content-Type": "application/x-www-form-urlencoded",
    }
    return door.call("POST", "/restapi/oauth/token", urlencode(form), headers=headers)


def log_in(server, jwt=None):
    """Logs in with a JWT credential and returns the token answer."""
    form = {"grant_type": JWT_BEARER, "assertion": jwt or server.settings["RC_JWT"]}
    status, headers, body = request_token(server, form)
    if status != 200:
        raise own.Refused(status, headers, body)
    return body


class Login:
    """One user's session."""

    def __init__(self, server, jwt=None):
        self.server = server
        self.token = log_in(server, jwt)
        me = self.door().get("/restapi/v1.0/account/~/extension/~")
        self.extension = str(me["id"])
        self.account = str(me["account"]["id"])

    def door(self):
        return own.Door(self.server.address, self.token["access_token"])

    def socket_token(self):
        return self.door().post("/restapi/oauth/wstoken")

    def open_socket(self, wsc=None, timeout=20.0):
        token = self.socket_token()
        query = f"access_token={token['ws_access_token']}" + (f"&wsc={wsc}" if wsc else "")
        return WebSocket(token["uri"], query, timeout)

    def subscribe_webhook(self, address, filters, verification="secret-word", expires_in=3600):
        delivery = {
            "transportType": "WebHook", "address": address, "verificationToken": verification,
        }
        body = {"eventFilters": filters, "deliveryMode": delivery, "expiresIn": expires_in}
        return self.door().post(SUBSCRIPTION, body)


def ask(socket, method, path, body=None):
    """Sends a ClientRequest and returns (meta, body) of its answer; other frames are dropped."""
    message = str(uuid.uuid4())
    meta = {"type": "ClientRequest", "messageId": message, "method": method, "path": path}
    socket.send(json.dumps([meta] if body is None else [meta, body]))
    while True:
        frame = json.loads(socket.text())
        if frame[0].get("messageId") == message:
            return frame[0], frame[1] if len(frame) > 1 else None


class Watcher(Thread):
    """A subscriber on a WebSocket that behaves as the published clients do.

    It remembers the `wsc` of the last frame it processed, and after a cut it comes back with it.
    """

    def __init__(self, login, filters):
        super().__init__(daemon=True, name="watcher")
        self.login, self.filters = login, filters
        self.received, self.recoveries, self.faults = [], Counter(), []
        self.subscription, self.wsc, self.socket = None, None, None
        self.cuts = 0
        self._ended, self._lock = Event(), Lock()

    def run(self):
        while not self._ended.is_set():
            try:
                self._live()
            except (Closed, OSError, Rejected, own.Refused) as error:
                self.cuts += 1
                if isinstance(error, own.Refused) and error.status in (400, 401, 403):
                    self.faults.append(str(error))
                self._ended.wait(0.05)
            except Exception as error:  # noqa: BLE001 - reported by the test, never swallowed
                self.faults.append(repr(error))
                self._ended.wait(0.2)

    def _live(self):
        presented = self.wsc
        socket = self.login.open_socket(presented["token"] if presented else None)
        self.socket = socket
        try:
            meta, details = json.loads(socket.text())
            if meta["type"] != "ConnectionDetails":
                raise AssertionError(f"first frame is {meta} {details}")
            state = details.get("recoveryState")
            self._adopt(meta, recovered=state is not None)
            if presented:
                self.recoveries[state] += 1
            if state != "Successful":
                self._subscribe(socket)
            while True:
                self._take(json.loads(socket.text()))
        finally:
            socket.close()

    def _subscribe(self, socket):
        body = {"eventFilters": self.filters, "deliveryMode": {"transportType": "WebSocket"}}
        meta, answer = ask(socket, "POST", SUBSCRIPTION, body)
        if meta["status"] != 200:
            raise AssertionError(f"subscription refused: {meta} {answer}")
        self.subscription = answer["id"]

    def _take(self, frame):
        if frame[0]["type"] == "Error":
            self.faults.append(f"Error frame: {frame}")
        if frame[0]["type"] != "ServerNotification":
            return
        if frame[1]["subscriptionId"] != self.subscription:
            self.faults.append(f"notification of another subscription: {frame[1]['subscriptionId']}")
        with self._lock:
            self.received.append(Received.from_envelope(frame[1]))
        self._adopt(frame[0])

    def _adopt(self, meta, recovered=False):
        wsc = meta.get("wsc")
        if wsc and (self.wsc is None or recovered or wsc["sequence"] > self.wsc["sequence"]):
            self.wsc = wsc

    def wait_until_subscribed(self):
        self.start()
        wait_until(lambda: self.subscription, 20, lambda: f"subscribed; {self.faults}")
        return self

    def last_sequence(self):
        with self._lock:
            return self.received[-1].sequence if self.received else 0

    def end(self):
        self._ended.set()
        if self.socket:
            try:
                self.socket.socket.shutdown(2)
            except OSError:
                pass
        self.join(25)
