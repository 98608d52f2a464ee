"""A full disk: changes are refused with 503 and nothing else happens; room makes it well again."""

import tempfile
import time
import unittest

import history
import contract
import small_disk
from own import LogReader, Office, Refused
from receiver import Receiver
from server import Server, wait_until

FILTER = "/restapi/v1.0/account/~/presence?detailedTelephonyState=true"
DISK_MEBIBYTES = 24


class FullDisk(unittest.TestCase):
    def test_changes_are_refused_reads_and_deliveries_go_on_and_room_heals(self):
        if not small_disk.may_mount():
            outcome = small_disk.run_in_namespace(self.id())
            self.assertIsNotNone(outcome, "a small tmpfs needs root or unprivileged user namespaces")
            code, printed = outcome
            print(f"\n{printed}")
            self.assertEqual(code, 0)
            return
        with small_disk.SmallDisk(DISK_MEBIBYTES) as disk, tempfile.TemporaryDirectory() as folder:
            server = Server(folder, data=disk.path / "data")
            try:
                server.start()
                self._go(server, disk)
            finally:
                if server.is_alive():
                    server.kill()

    def _go(self, server, disk):
        login = contract.Login(server)
        office = Office(server, login.account)
        receiver = Receiver().open()
        self.spare = Receiver().open()
        self.addCleanup(receiver.close)
        self.addCleanup(self.spare.close)
        login.subscribe_webhook(receiver.address, [FILTER])
        watcher = contract.Watcher(login, [FILTER]).wait_until_subscribed()
        self.addCleanup(watcher.end)
        keeper = LogReader(office)
        self.addCleanup(keeper.end)
        author = Author(office, login.extension)
        for _ in range(20):
            author.change()
        wait_until(lambda: len(receiver.so_far()) == 20, 20, "the first events arrive")

        receiver.close()
        waiting = [author.change() for _ in range(5)]
        disk.fill()
        accepted, refusal = self._until_refused(author)
        self._check_refusal(refusal)
        for _ in range(20):
            with self.assertRaises(Refused) as caught:
                author.change()
            self._check_refusal(caught.exception)
        self._check_directory(server, login)
        self._check_life(server, login, office, watcher, author)
        receiver.open()
        wait_until(
            lambda: receiver.last_sequence() >= author.acknowledged[-1].sequence, 60,
            "deliveries go on although the disk is full",
        )
        self.assertTrue(server.is_alive(), server.tail())

        disk.make_room()
        healed = self._until_accepted(author)
        for _ in range(20):
            author.change()
        log = keeper.log()
        wait_until(
            lambda: not history.everything_arrived(receiver.so_far(), log), 60,
            lambda: f"all arrive: {history.everything_arrived(receiver.so_far(), log)[:5]}",
        )
        print(
            f"\n  {len(waiting)} events waited for a receiver, {accepted} changes still found room,"
            f" {author.refusals} refused, healed {healed:.2f} s after there was room,"
            f" {len(log)} records"
        )
        self._check_history(office, author, log, watcher, receiver)
        self._check_restart(server, office, author, log)

    def _until_refused(self, author):
        deadline, accepted = time.monotonic() + 120, 0
        while time.monotonic() < deadline:
            try:
                author.change()
                accepted += 1
            except Refused as refusal:
                return accepted, refusal
        self.fail(f"{accepted} changes were accepted on a full disk")

    def _check_refusal(self, refusal):
        self.assertEqual(refusal.status, 503, refusal)
        self.assertRegex(refusal.headers.get("Retry-After", ""), r"^[1-9]\d*$")
        self.assertEqual(refusal.body["errorCode"], "CMN-201")

    def _check_directory(self, server, login):
        """What else must be stored is refused in the same way: a log-in, a subscription."""
        for call in (
            lambda: contract.log_in(server),
            lambda: login.subscribe_webhook(self.spare.address, [FILTER]),
        ):
            with self.assertRaises(Refused) as caught:
                call()
            self.assertEqual(caught.exception.status, 503, caught.exception)
            self.assertRegex(caught.exception.headers.get("Retry-After", ""), r"^[1-9]\d*$")

    def _check_life(self, server, login, office, watcher, author):
        """Reads answer, the socket answers, the refused change is not seen by anybody."""
        shown = login.door().get("/restapi/v1.0/account/~/presence")
        self.assertGreater(len(shown["records"]), 20)
        mine = login.door().get("/restapi/v1.0/account/~/extension/~/presence")
        self.assertEqual(mine["userStatus"], author.last_status)
        snapshot = office.snapshot()
        self.assertEqual(snapshot["sequence"], author.acknowledged[-1].sequence)
        socket = login.open_socket()
        socket.text()
        meta, answer = contract.ask(socket, "GET", "/restapi/v1.0/account/~/extension/~/presence")
        socket.close()
        self.assertEqual((meta["status"], answer["userStatus"]), (200, author.last_status))
        self.assertEqual(watcher.faults, [])
        self.assertTrue(server.is_alive(), server.tail())

    def _until_accepted(self, author):
        begun = time.monotonic()

        def accepted():
            try:
                return author.change()
            except Refused as refusal:
                self.assertEqual(refusal.status, 503)
                return None

        wait_until(accepted, 30, "a change is accepted again", every=0.1)
        return time.monotonic() - begun

    def _check_history(self, office, author, log, watcher, receiver):
        wait_until(lambda: watcher.last_sequence() == log[-1].sequence, 20, "the socket gets all")
        for found in (
            history.log_is_gapless(log), history.acknowledged_is_kept(author.acknowledged, log),
            history.snapshot_is_the_end(office.snapshot()["records"], log),
            history.everything_arrived(watcher.received, log),
            history.nothing_is_invented(watcher.received, log), history.in_order(watcher.received),
            history.nothing_is_invented(receiver.so_far(), log),
            history.repeats_are_equal(receiver.so_far()), watcher.faults, receiver.faults,
        ):
            self.assertEqual(found[:10], [])
        self.assertEqual(len(log), len(author.acknowledged), "a refused change was committed")

    def _check_restart(self, server, office, author, log):
        server.kill()
        server.start()
        self.assertEqual(history.snapshot_is_the_end(office.snapshot()["records"], log), [])
        self.assertEqual(author.change().sequence, log[-1].sequence + 1)


class Author:
    """Switches one extension's userStatus and status to and fro."""

    def __init__(self, office, extension):
        self.office, self.extension = office, extension
        self.acknowledged, self.refusals, self.last_status = [], 0, None
        self._door = office.door()

    def change(self):
        wanted = "Busy" if self.last_status != "Busy" else "Available"
        try:
            answer = self._door.put(self.office.presence_path(self.extension), {"userStatus": wanted})
        except Refused:
            self.refusals += 1
            raise
        self.last_status = wanted
        acknowledged = history.Acknowledged.from_answer(self.extension, answer)
        self.acknowledged.append(acknowledged)
        return acknowledged


if __name__ == "__main__":
    unittest.main()
