"""A webhook receiver that is away for half a minute: on return everything missed, in order."""

import os
import tempfile
import time
import unittest

import history
import contract
import writers
from own import LogReader, Office
from receiver import Receiver
from server import Server, wait_until

AWAY_SECONDS = float(os.environ.get("LAMPFIELD_AWAY_SECONDS", "30"))
SEED = int(os.environ.get("LAMPFIELD_SEED", "20260105"))
FILTER = "/restapi/v1.0/account/~/presence?detailedTelephonyState=true"


class Outage(unittest.TestCase):
    def test_everything_missed_comes_in_order_and_no_uuid_has_two_contents(self):
        with tempfile.TemporaryDirectory(prefix="lampfield-outage-") as folder:
            server = Server(folder)
            server.start()
            try:
                self._go(server)
            finally:
                server.kill()

    def _go(self, server):
        login = contract.Login(server)
        office = Office(server, login.account)
        receiver = Receiver().open()
        subscription = login.subscribe_webhook(receiver.address, [FILTER])
        self.assertEqual(receiver.handshakes, 1)
        keeper = LogReader(office)
        self.addCleanup(keeper.end)
        authors = writers.share(office, writers.plain_users(office, login, 8), 2, SEED, pause=0.05)
        wait_until(lambda: len(receiver.so_far()) > 20, 20, "events arrive before the outage")

        receiver.close()
        away_from = time.monotonic()
        before = len(receiver.so_far())
        acknowledged = lambda: sum(len(author.acknowledged) for author in authors)
        changes_before = acknowledged()
        self._stay_away(login, subscription, away_from)
        missed = acknowledged() - changes_before
        receiver.open()
        back_at = time.monotonic()
        wait_until(lambda: len(receiver.so_far()) > before, 60, "the first event after the outage")
        first_after = time.monotonic() - back_at
        for author in authors:
            author.end()
            self.assertEqual(author.faults + author.refused, [])

        log = keeper.log()
        lacking = lambda: history.everything_arrived(receiver.so_far(), log)
        wait_until(lambda: not lacking(), 60, lambda: f"all arrive: {lacking()[:5]}", every=0.2)
        received = receiver.so_far()
        receiver.close()
        print(
            f"\n  seed {SEED}: away {AWAY_SECONDS:g} s while {missed} changes were made; first event"
            f" {first_after:.1f} s after the return; {len(received)} received of {len(log)} records,"
            f" {history.repeats(received)} repeats"
        )
        self.assertGreater(missed, 100)
        for found in (
            history.nothing_is_invented(received, log), history.repeats_are_equal(received),
            history.in_order_per_extension(received), history.bodies_are_full(received),
            history.log_is_gapless(log), receiver.faults,
        ):
            self.assertEqual(found[:10], [])
        self.assertLessEqual(history.repeats(received), 8, "only what was under way may repeat")

    def _stay_away(self, login, subscription, away_from):
        """Spends the outage asking for the subscription's state: it stays honest and active."""
        path = f"{contract.SUBSCRIPTION}/{subscription['id']}"
        while time.monotonic() - away_from < AWAY_SECONDS:
            self.assertEqual(login.door().get(path)["status"], "Active")
            time.sleep(1.0)


if __name__ == "__main__":
    unittest.main()
