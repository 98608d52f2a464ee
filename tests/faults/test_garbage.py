"""Garbage over HTTP: a clear error each time, nothing lost, memory bounded, the server lives."""

import json
import random
import socket
import tempfile
import time
import unittest

import own
import contract
from own import Office
from server import Server

SEED = 20260105
GROWTH_MAX = 96 << 20


class Garbage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="lampfield-garbage-")
        cls.server = Server(cls.folder.name)
        cls.server.start()
        cls.login = contract.Login(cls.server)
        cls.office = Office(cls.server, cls.login.account)
        cls.before = cls.server.resident_bytes()

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.folder.cleanup()

    def tearDown(self):
        """After each test: the same process, no more memory than allowed, and it answers at once."""
        self.assertTrue(self.server.is_alive(), self.server.tail())
        growth = self.server.resident_bytes() - self.before
        self.assertLess(growth, GROWTH_MAX, f"grew by {growth >> 20} MiB")
        begun = time.monotonic()
        mine = self.login.door().get("/restapi/v1.0/account/~/extension/~/presence")
        self.assertEqual(mine["userStatus"], "Available")
        self.assertLess(time.monotonic() - begun, 2.0)

    def put(self, body, **headers):
        headers = {"Content-Type": "application/json", **headers}
        path = "/restapi/v1.0/account/~/extension/~/presence"
        return self.login.door().call("PUT", path, body, headers=headers)

    def expect(self, answer, status, code):
        got, _, body = answer
        self.assertEqual(got, status, body)
        self.assertIsInstance(body, dict)
        self.assertEqual(body["errorCode"], code, body)
        self.assertTrue(body["message"])
        self.assertEqual(body["errors"][0]["errorCode"], code)

    def test_bodies_that_are_no_json_or_no_presence_are_refused_by_name(self):
        for body in ("{", "nonsense", '{"userStatus":', "\x00\x01", "[" * 10_000, '{"a":' * 5_000):
            with self.subTest(body=body[:20]):
                status, _, answer = self.put(body)
                self.assertEqual(status, 400, answer)
                self.assertTrue(answer["errorCode"].startswith("CMN-"), answer)
        for member, value in (
            ("userStatus", "Dozing"), ("userStatus", 7), ("dndStatus", "Unknown"),
            ("dndStatus", "TakeDepartmentCallsOnly"), ("allowSeeMyPresence", "yes"),
            ("message", "x" * 76), ("callerIdVisibility", []),
        ):
            with self.subTest(member=member, value=value):
                answer = self.put(json.dumps({member: value}))
                self.expect(answer, 400, "CMN-101")
                self.assertEqual(answer[2]["errors"][0]["parameterName"], member)

    def test_a_huge_body_is_refused_before_it_is_read(self):
        self.expect_early(f"Content-Length: {1 << 40}\r\n", b"", (413,))
        status, _, _ = self.put('{"message":"' + "x" * (200 << 10) + '"}')
        self.assertEqual(status, 413)

    def test_an_endless_chunked_body_is_cut_off(self):
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        self.expect_early("Transfer-Encoding: chunked\r\n", chunk, (413,), repeat=2000)

    def expect_early(self, header, piece, statuses, repeat=0):
        """Sends a PUT whose body never ends and expects an answer long before."""
        head = (
            "PUT /restapi/v1.0/account/~/extension/~/presence HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {self.login.token['access_token']}\r\n"
            f"Content-Type: application/json\r\n{header}\r\n"
        )
        status, sent = pour(self.server.address, head.encode(), piece, repeat)
        self.assertIn(status, statuses)
        self.assertLess(sent, 64 << 20)

    def test_endless_headers_are_cut_off(self):
        line = b"X-Filler: " + b"y" * 1000 + b"\r\n"
        status, sent = pour(self.server.address, b"GET /restapi HTTP/1.1\r\nHost: x\r\n", line, 100_000)
        self.assertIn(status, (400, 431, None))
        self.assertLess(sent, 8 << 20)
        many = b"".join(b"X-%d: 1\r\n" % number for number in range(2000))
        status, _ = pour(self.server.address, b"GET /restapi HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n", b"", 0)
        self.assertIn(status, (400, 431, None))

    def test_an_endless_request_line_is_cut_off(self):
        status, sent = pour(self.server.address, b"GET /", b"a" * 4096, 100_000)
        self.assertIn(status, (400, 414, 431, None))
        self.assertLess(sent, 8 << 20)

    def test_two_hundred_connections_of_seeded_noise_change_nothing(self):
        chance, answered = random.Random(SEED), 0
        for _ in range(200):
            noise = chance.randbytes(chance.randrange(1, 4096))
            if chance.random() < 0.5:
                verb = chance.choice((b"GET", b"POST", b"PUT", b"DELETE", b"BREW"))
                noise = verb + b" /restapi/v1.0/account/~/presence HTTP/1.1\r\n" + noise
            status, _ = pour(self.server.address, noise, b"", 0, patience=0.2)
            answered += status is not None
            self.assertIn(status, (None, 400, 401, 404, 405, 408, 414, 431, 501, 505))
        print(f"\n  seed {SEED}: 200 connections of noise, {answered} answered with an error")

    def test_three_hundred_half_requests_do_not_stop_a_whole_one(self):
        held = []
        try:
            for _ in range(300):
                connection = socket.create_connection(self.server.address, 5)
                connection.sendall(b"GET /restapi HTTP/1.1\r\nHost: x\r\nX-Half: ")
                held.append(connection)
            self.assertEqual(own.Door(self.server.address, "").call("GET", "/restapi")[0], 200)
            held[0].settimeout(40)
            begun = time.monotonic()
            while held[0].recv(4096):
                pass
            print(f"\n  a half request was closed after {time.monotonic() - begun:.1f} s")
        finally:
            for connection in held:
                connection.close()

    def test_forged_tokens_are_told_apart_from_missing_ones(self):
        path = "/restapi/v1.0/account/~/presence"
        for token in ("nonsense", "a.b.c", "x" * 3000, self.login.token["access_token"][:-1] + "_"):
            status, _, body = own.Door(self.server.address, token).call("GET", path)
            self.assertEqual((status, body["errorCode"]), (401, "OAU-213"), body)
        status, headers, body = own.Door(self.server.address, "").call(
            "GET", path, headers={"Authorization": ""}
        )
        self.assertEqual(status, 401, body)
        self.assertIn("Bearer", headers.get("WWW-Authenticate", ""))
        head, body, _ = self.server.settings["RC_JWT"].split(".")
        none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
        for jwt in (f"{head}.{body}.AAAA", f"{none}.{body}.", "nonsense", ""):
            form = {"grant_type": contract.JWT_BEARER, "assertion": jwt}
            status, _, answer = contract.request_token(self.server, form)
            self.assertEqual(status, 400, answer)
            self.assertIn(answer["error"], ("invalid_grant", "invalid_request"))

    def test_ids_of_another_account_and_unknown_ids_look_the_same(self):
        stranger = contract.Login(self.server, self.server.settings["LAMPFIELD_STRANGER_JWT"])
        for account, extension in (
            (stranger.account, stranger.extension), ("~", stranger.extension), ("~", "999999999999"),
            (self.login.account, "999999999999"), ("999999999999", "~"),
        ):
            path = f"/restapi/v1.0/account/{account}/extension/{extension}/presence"
            self.expect(self.login.door().call("GET", path), 404, "CMN-102")

    def test_a_batch_with_bad_lines_takes_the_good_ones(self):
        good = {"extension": "n:105", "dnd": {"id": "g", "dndStatus": "DoNotAcceptAnyCalls"}}
        lines = [json.dumps(good), "{", json.dumps({"extension": "n:9999", "dnd": good["dnd"]}), "",
                 json.dumps({"extension": "n:105", "dnd": {"id": "g", "dndStatus": "Maybe"}})]
        text = "\n".join(lines)
        door = self.office.door()
        path = f"{self.office.base}/sources/garbage/batch"
        status, _, answer = door.call("POST", path, text, headers={"Content-Type": "application/x-ndjson"})
        self.assertEqual(status, 200, answer)
        if isinstance(answer, bytes):
            answer = [json.loads(line) for line in answer.splitlines() if line.strip()]
        by_line = {row["line"]: row for row in answer}
        self.assertTrue(by_line[1]["changed"], by_line)
        for line in (2, 3, 5):
            self.assertIn("errorCode", by_line[line], by_line)
            self.assertTrue(by_line[line]["message"])
        door.delete(f"{self.office.base}/sources/garbage/extensions/n:105/dnd/g")

    def test_a_csv_with_broken_rows_takes_the_good_ones_and_names_the_others(self):
        rows = (
            "number,name,email,type,status\r\n"
            "301,Good One,good@example.test,User,Enabled\r\n"
            "302,\"Broken,quote,User,Enabled\r\n"
        )
        door = self.office.door()
        path = f"{self.office.base}/extensions/import"
        headers = {"Content-Type": "text/csv"}
        status, _, answer = door.call("POST", path, rows, headers=headers)
        self.assertEqual(status, 200, answer)
        self.assertEqual((answer["created"], len(answer["rejected"])), (1, 1), answer)
        rows = "number,name,type\n303,Fine,User\n,No Number,User\n304,Odd,Wizard\n303,Twice,User\n"
        status, _, answer = door.call("POST", path, rows, headers=headers)
        self.assertEqual(status, 200, answer)
        self.assertEqual([row["line"] for row in answer["rejected"]], [3, 4, 5], answer)
        self.assertTrue(all(row["reason"] for row in answer["rejected"]))
        self.assertEqual(answer["created"], 1)

    def test_subscriptions_that_cannot_be_are_refused_by_name(self):
        door = self.login.door()
        hook = {"transportType": "WebHook", "address": "http://127.0.0.1:9/nobody"}
        mine = "/restapi/v1.0/account/~/extension/~/presence"
        for body, status, code in (
            ({"eventFilters": ["/garbage"], "deliveryMode": hook}, 400, "SUB-508"),
            ({"eventFilters": [], "deliveryMode": hook}, 400, "CMN-101"),
            ({"eventFilters": [mine], "deliveryMode": hook}, 400, "SUB-521"),
            ({"eventFilters": [mine], "deliveryMode": {"transportType": "PubNub"}}, 400, "CMN-101"),
            ({"eventFilters": [mine], "deliveryMode": {"transportType": "WebSocket"}}, 400, "CMN-101"),
            ({"eventFilters": [mine], "deliveryMode": hook, "expiresIn": -1}, 400, "CMN-101"),
        ):
            with self.subTest(body=body):
                self.expect(door.call("POST", contract.SUBSCRIPTION, body), status, code)
        missing = f"{contract.SUBSCRIPTION}/00000000-0000-4000-8000-000000000000"
        for method in ("GET", "PUT", "DELETE"):
            self.expect(door.call(method, missing), 404, "CMN-102")


def pour(address, head, piece, repeat, patience=15.0):
    """Sends a head and then a piece again and again; returns (status or None, bytes sent)."""
    connection = socket.create_connection(address, 5)
    connection.settimeout(patience)
    sent, answer = 0, b""
    try:
        connection.sendall(head)
        sent = len(head)
        for _ in range(repeat):
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    try:
        while b"\r\n" not in answer and (read := connection.recv(4096)):
            answer += read
    except OSError:
        pass
    finally:
        connection.close()
    parts = answer.split(b" ", 2)
    return (int(parts[1]) if answer.startswith(b"HTTP/1.") and parts[1].isdigit() else None), sent


if __name__ == "__main__":
    unittest.main()
