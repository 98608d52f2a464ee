"""Garbage over WebSockets: the documented error or close code each time, the server lives."""

import json
import random
import struct
import tempfile
import unittest
import uuid

import contract
from server import Server
from websocket import BINARY, CLOSE, CONTINUATION, PING, TEXT, Closed, WebSocket

SEED = 20260105
GROWTH_MAX = 96 << 20


class GarbageFrames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="lampfield-frames-")
        cls.server = Server(cls.folder.name)
        cls.server.start()
        cls.login = contract.Login(cls.server)
        cls.before = cls.server.resident_bytes()

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.folder.cleanup()

    def setUp(self):
        self.opened = []

    def tearDown(self):
        self.assertTrue(self.server.is_alive(), self.server.tail())
        growth = self.server.resident_bytes() - self.before
        self.assertLess(growth, GROWTH_MAX, f"grew by {growth >> 20} MiB")
        self.assert_works(self.open())
        for socket in self.opened:
            socket.close()

    def open(self):
        socket = self.login.open_socket()
        self.opened.append(socket)
        meta, details = json.loads(socket.text())
        self.assertEqual(meta["type"], "ConnectionDetails")
        self.assertEqual(details["recoveryTimeout"], 180)
        return socket

    def assert_works(self, socket):
        meta, body = contract.ask(socket, "GET", "/restapi/v1.0/account/~/extension/~/presence")
        self.assertEqual((meta["type"], meta["status"]), ("ClientRequest", 200), body)

    def assert_closed(self, socket, *codes):
        with self.assertRaises(Closed) as caught:
            while True:
                socket.text()
        self.assertIn(caught.exception.code, codes)

    def assert_error(self, socket, status):
        frame = json.loads(socket.text())
        self.assertEqual(frame[0]["type"], "Error", frame)
        self.assertEqual(frame[0]["status"], status, frame)
        self.assertTrue(frame[0]["messageId"])
        self.assertIsInstance(frame[0]["headers"], dict)
        self.assertTrue(frame[1]["errorCode"].startswith("WSG-"), frame)
        self.assertTrue(frame[1]["message"])

    def test_texts_that_are_no_frames_are_answered_with_an_error_and_the_socket_stays(self):
        for text in (
            "", "nonsense", "{}", "[]", "[1]", '[{"type":"Heartbeat"}]', '[{"type":"Wish","messageId":"1"}]',
            '[{"type":"ClientRequest","messageId":""}]', '[{"type":"ClientRequest","messageId":"2"}]',
            "[" * 5000, '[{"type":"ClientRequest","messageId":"3","method":"GET","path":7}]',
        ):
            with self.subTest(text=text[:40]):
                socket = self.open()
                socket.send(text)
                self.assert_error(socket, 400)
                self.assert_works(socket)

    def test_wrong_frames_close_with_the_code_of_the_rfc(self):
        cases = {
            "binary": (lambda s: s.send(b"\x00\x01", BINARY), (1003,)),
            "unmasked": (lambda s: s.send("[]", masked=False), (1002,)),
            "reserved bits": (lambda s: s.send("[]", reserved=4), (1002,)),
            "reserved opcode": (lambda s: s.send("[]", 0x3), (1002,)),
            "long control frame": (lambda s: s.send(b"x" * 200, PING), (1002,)),
            "fragmented control frame": (lambda s: s.send(b"x", PING, final=False), (1002,)),
            "continuation of nothing": (lambda s: s.send("[]", CONTINUATION), (1002,)),
            "invalid UTF-8": (lambda s: s.send(b"\xff\xfe", TEXT), (1007,)),
            "a claim of 2^62 bytes": (lambda s: s.send(b"x", claimed=1 << 62), (1009,)),
            "close with one byte": (lambda s: s.send(b"x", CLOSE), (1002,)),
        }
        for name, (misspeak, codes) in cases.items():
            with self.subTest(name):
                socket = self.open()
                misspeak(socket)
                self.assert_closed(socket, *codes)

    def test_a_message_in_endless_fragments_is_cut_off(self):
        socket = self.open()
        with self.assertRaises(Closed):
            socket.send(b" " * 65536, TEXT, final=False)
            for _ in range(200):
                socket.send(b" " * 65536, CONTINUATION, final=False)
            while True:
                socket.text()

    def test_a_close_is_answered_with_a_close(self):
        socket = self.open()
        socket.send(struct.pack(">H", 1000), CLOSE)
        self.assert_closed(socket, 1000)

    def test_a_bad_token_is_refused_inside_the_socket(self):
        uri = self.login.socket_token()["uri"]
        for query in ("access_token=nonsense", "access_token=", "", "access_token=" + "x" * 2000):
            with self.subTest(query=query[:30]):
                socket = WebSocket(uri, query)
                self.opened.append(socket)
                self.assert_error(socket, 401)
                self.assert_closed(socket, 1008)

    def test_a_malformed_recovery_token_is_told_and_an_unknown_one_fails(self):
        socket = self.login.open_socket("nonsense")
        self.opened.append(socket)
        frame = json.loads(socket.text())
        self.assertEqual((frame[0]["type"], frame[1]["errorCode"]), ("Error", "WSG-400"), frame)
        first = self.login.open_socket()
        token = json.loads(first.text())[0]["wsc"]["token"]
        first.close()
        socket = self.login.open_socket(token)
        self.opened.append(socket)
        _, details = json.loads(socket.text())
        self.assertEqual(details["recoveryState"], "Failed")
        self.assertEqual(details["recoveryErrorCode"], "WSG-1005")
        self.assert_works(socket)

    def test_another_log_in_cannot_take_over_a_session(self):
        socket = self.open()
        meta, _ = contract.ask(socket, "POST", contract.SUBSCRIPTION, {
            "eventFilters": ["/restapi/v1.0/account/~/extension/~/presence"],
            "deliveryMode": {"transportType": "WebSocket"},
        })
        self.assertEqual(meta["status"], 200)
        wsc = json.loads(self.login_frame_after_change(socket))[0]["wsc"]["token"]
        other = contract.Login(self.server, self.server.settings["LAMPFIELD_OTHER_JWT"])
        thief = other.open_socket(wsc)
        self.opened.append(thief)
        _, details = json.loads(thief.text())
        self.assertEqual((details["recoveryState"], details["recoveryErrorCode"]), ("Failed", "WSG-1003"))

    def login_frame_after_change(self, socket):
        door, path = self.login.door(), "/restapi/v1.0/account/~/extension/~/presence"
        door.put(path, {"userStatus": "Busy"})
        frame = socket.text()
        door.put(path, {"userStatus": "Available"})
        return frame

    def test_requests_beyond_the_limit_are_answered_and_none_is_lost(self):
        socket, asked = self.open(), set()
        for _ in range(200):
            message = str(uuid.uuid4())
            asked.add(message)
            meta = {"type": "ClientRequest", "messageId": message, "method": "GET",
                    "path": "/restapi/v1.0/account/~/presence"}
            socket.send(json.dumps([meta]))
        statuses = {}
        while len(statuses) < len(asked):
            meta = json.loads(socket.text())[0]
            statuses[meta["messageId"]] = meta["status"]
        self.assertEqual(set(statuses), asked)
        self.assertLessEqual(set(statuses.values()), {200, 429})
        self.assertIn(200, statuses.values())

    def test_seeded_noise_inside_frames_ends_in_errors_or_closes(self):
        chance, ends = random.Random(SEED), []
        for _ in range(60):
            socket = self.open()
            try:
                for _ in range(5):
                    noise = chance.randbytes(chance.randrange(1, 600))
                    socket.send(noise, chance.choice((TEXT, CONTINUATION, BINARY, PING, 0x5)),
                                final=chance.random() < 0.8)
                socket.socket.settimeout(5)
                while True:
                    frame = json.loads(socket.text())
                    self.assertEqual(frame[0]["type"], "Error")
            except Closed as closed:
                ends.append(closed.code)
            except TimeoutError:
                ends.append("open")
            finally:
                socket.close()
        print(f"\n  seed {SEED}: 60 sockets of noise ended as {sorted(set(map(str, ends)))}")
        self.assertLessEqual(set(ends), {None, 1002, 1003, 1007, 1008, 1009, "open"})


if __name__ == "__main__":
    unittest.main()
