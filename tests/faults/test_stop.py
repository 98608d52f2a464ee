"""SIGTERM, SIGSTOP and a second process: what an operator does, and what clients see of it."""

import os
import random
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import contract
import history
import own
import writers
from own import LogReader, Office
from receiver import Receiver
from server import Server, binary, clean_environment, wait_until
from websocket import Closed

SEED = int(os.environ.get("LAMPFIELD_SEED", "20260105"))
FILTER = "/restapi/v1.0/account/~/presence?detailedTelephonyState=true"


class Operator(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lampfield-stop-")
        self.addCleanup(self.folder.cleanup)
        self.server = Server(self.folder.name)
        self.server.start()
        self.addCleanup(lambda: self.server.is_alive() and self.server.kill())
        self.login = contract.Login(self.server)
        self.office = Office(self.server, self.login.account)

    def expect(self, sentences):
        self.assertEqual(sentences[:10], [], f"{len(sentences)} violations\n{self.server.tail()}")

    def test_a_graceful_stop_ends_with_zero_and_keeps_everything(self):
        path = self.office.call_path("fault-test", self.login.extension, "c1")
        door = self.office.door()
        answer = door.put(path, {"telephonyStatus": "Ringing", "direction": "Inbound"})
        self.assertTrue(answer["changed"])
        self.assertEqual(self.server.stop(), 0, self.server.tail())
        self.server.start()
        again = self.login.door().get("/restapi/v1.0/account/~/extension/~/presence")
        self.assertEqual(again["telephonyStatus"], "Ringing")
        ended = door.put(path, {"telephonyStatus": "NoCall", "direction": "Inbound"})
        self.assertEqual(ended["sequence"], answer["sequence"] + 1)

    def test_mute_clients_do_not_keep_the_server_from_stopping(self):
        attentive, mute = self.login.open_socket(), self.login.open_socket()
        attentive.text()
        half = socket.create_connection(self.server.address)
        half.sendall(b"GET /restapi HTTP/1.1\r\nHost: x\r\n")
        idle = own.Door(self.server.address, "", keep=True)
        idle.get("/restapi")
        stream = own.stream(
            self.server.address, f"{self.office.base}/stream", self.server.settings["LAMPFIELD_ADMIN_TOKEN"]
        )
        next(stream)
        begun = time.monotonic()
        self.server.process.send_signal(signal.SIGTERM)
        with self.assertRaises(Closed) as closed:
            attentive.text()
        self.assertEqual(closed.exception.code, 1001)
        self.assertEqual(self.server.process.wait(15), 0, self.server.tail())
        took = time.monotonic() - begun
        print(f"\n  stopped in {took:.1f} s beside a mute socket, half a request, an idle connection and a stream")
        self.assertLess(took, 11)
        stream.close()
        for open_one in (attentive, mute, half, idle):
            open_one.close()

    def test_restarts_under_load_lose_nothing_and_repeat_nothing(self):
        keeper = LogReader(self.office)
        self.addCleanup(keeper.end)
        receiver = Receiver().open()
        self.addCleanup(receiver.close)
        self.login.subscribe_webhook(receiver.address, [FILTER])
        watcher = contract.Watcher(self.login, [FILTER]).wait_until_subscribed()
        self.addCleanup(watcher.end)
        authors = writers.share(
            self.office, writers.plain_users(self.office, self.login, 8), 2, SEED, pause=0.01
        )
        chance, stops = random.Random(SEED), []
        for _ in range(4):
            time.sleep(chance.uniform(0.3, 1.0))
            begun = time.monotonic()
            self.assertEqual(self.server.stop(), 0, self.server.tail())
            stops.append(time.monotonic() - begun)
            self.server.start()
        count = lambda: sum(len(author.acknowledged) for author in authors)
        goal = count() + 50
        wait_until(lambda: count() >= goal, 30, "changes flow after the last restart")
        for author in authors:
            author.end()
        log = keeper.log()
        lacking = lambda: history.everything_arrived(receiver.so_far(), log)
        wait_until(lambda: not lacking(), 60, lambda: f"webhook lacks {lacking()[:5]}", every=0.2)
        wait_until(lambda: watcher.last_sequence() >= log[-1].sequence, 30, "the socket gets all")
        print(
            f"\n  seed {SEED}: 4 graceful restarts, stopped within {max(stops):.2f} s, {len(log)} records,"
            f" webhook {len(receiver.so_far())}, socket {len(watcher.received)} {dict(watcher.recoveries)}"
        )
        self.assertEqual(watcher.faults + receiver.faults, [])
        self.assertEqual(set(watcher.recoveries), {"Successful"})
        for author in authors:
            self.assertEqual(author.faults, [])
            self.assertEqual([r.status for r in author.refused if r.status != 503], [])
            self.expect(history.acknowledged_is_kept(author.acknowledged, log))
            self.expect(history.sequences_grow(author.acknowledged))
        self.expect(history.log_is_gapless(log))
        for received in (watcher.received, receiver.so_far()):
            self.expect(history.everything_arrived(received, log))
            self.expect(history.nothing_is_invented(received, log))
            self.expect(history.nothing_is_repeated(received))
            self.expect(history.in_order_per_extension(received))

    def test_a_second_process_on_the_same_data_is_refused_and_the_first_goes_on(self):
        command = [binary(), "demo", "--listen", "127.0.0.1:0", "--calls", "off", "--data", self.server.data]
        second = subprocess.run(
            command, env=clean_environment(), capture_output=True, text=True, timeout=20, check=False
        )
        self.assertNotIn(second.returncode, (0, 101), second.stderr)
        self.assertRegex(second.stderr, r"(?i)in use|locked|another|already")
        presence = self.login.door().put("/restapi/v1.0/account/~/extension/~/presence", {"userStatus": "Busy"})
        self.assertEqual(presence["userStatus"], "Busy")

    def test_a_process_frozen_for_seconds_goes_on_as_if_nothing_was(self):
        keeper = LogReader(self.office)
        self.addCleanup(keeper.end)
        watcher = contract.Watcher(self.login, [FILTER]).wait_until_subscribed()
        self.addCleanup(watcher.end)
        authors = writers.share(
            self.office, writers.plain_users(self.office, self.login, 4), 2, SEED, pause=0.005
        )
        count = lambda: sum(len(author.acknowledged) for author in authors)
        wait_until(lambda: count() > 50, 20, "changes flow")
        os.kill(self.server.pid, signal.SIGSTOP)
        time.sleep(4)
        os.kill(self.server.pid, signal.SIGCONT)
        goal = count() + 50
        wait_until(lambda: count() >= goal, 20, "changes flow again")
        for author in authors:
            author.end()
            self.assertEqual((author.faults, author.refused, author.unknown), ([], [], 0))
        log = keeper.log()
        wait_until(lambda: watcher.last_sequence() >= log[-1].sequence, 20, "the socket gets all")
        self.assertEqual((watcher.cuts, watcher.faults), (0, []))
        self.expect(history.everything_arrived(watcher.received, log))
        self.expect(history.in_order(watcher.received))


if __name__ == "__main__":
    unittest.main()
