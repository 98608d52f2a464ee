"""kill -9 while changes are written: what was acknowledged stays, what was committed arrives."""

import os
import random
import tempfile
import time
import unittest

import history
import contract
import writers
from own import LogReader, Office, offset_of
from receiver import Receiver
from server import Server, wait_until

ROUNDS = int(os.environ.get("LAMPFIELD_KILL_ROUNDS", "9"))
SEED = int(os.environ.get("LAMPFIELD_SEED", "20260105"))
FILTER = "/restapi/v1.0/account/~/presence?detailedTelephonyState=true"
# Repeats that a webhook may see after one crash: a cursor is saved at least every 64 events, more
# may be acknowledged while it is being saved, and 8 may be under way.
REPEATS_PER_KILL_MAX = 64 + 64 + 8


class KillNine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lampfield-kill-")
        self.addCleanup(self.folder.cleanup)
        self.server = Server(self.folder.name)
        self.addCleanup(lambda: self.server.is_alive() and self.server.kill())
        self.chance, self.kills = random.Random(SEED), 0

    def expect(self, sentences):
        self.assertEqual(sentences[:10], [], f"{len(sentences)} violations\n{self.server.tail()}")

    def test_nothing_acknowledged_is_lost_and_everything_committed_arrives(self):
        self.server.start()
        login = contract.Login(self.server)
        office = Office(self.server, login.account)
        before = {record["id"] for record in office.extensions()}
        keeper = LogReader(office)
        receiver = Receiver(delay=0.015).open()  # slow enough to have a backlog at each kill
        self.addCleanup(receiver.close)
        login.subscribe_webhook(receiver.address, [FILTER])
        watcher = contract.Watcher(login, [FILTER]).wait_until_subscribed()
        reader = LogReader(office, login.token["access_token"])
        self.addCleanup(keeper.end)
        self.addCleanup(reader.end)
        self.addCleanup(watcher.end)

        authors = writers.share(office, writers.plain_users(office, login, 12), 4, SEED)
        restarts = [self._kill_and_restart(authors) for _ in range(ROUNDS)]
        for author in authors:
            author.end()

        log = keeper.log()
        self._report(log, authors, watcher, reader, receiver, restarts)
        self.assertEqual({record["id"] for record in office.extensions()}, before)
        self._check_log(office, authors, log, keeper.start_position)
        self._check_consumers(log, watcher, reader, receiver)

    def _kill_and_restart(self, authors):
        """Lets changes flow for a while, kills, sometimes kills again while starting, restarts."""
        count = lambda: sum(len(author.acknowledged) for author in authors)
        flowing = count() + 20
        wait_until(lambda: count() >= flowing, 30, lambda: f"changes flow; {self._faults(authors)}")
        time.sleep(self.chance.uniform(0.1, 1.2))
        self._kill()
        if self.chance.random() < 0.34:
            self.server.spawn()
            time.sleep(self.chance.uniform(0.0, 0.4))
            self._kill()
        return self.server.start()

    def _kill(self):
        self.server.kill()
        self.kills += 1

    @staticmethod
    def _faults(authors):
        return [fault for author in authors for fault in (*author.faults, *author.refused)][:5]

    def _check_log(self, office, authors, log, start):
        self.assertEqual(self._faults(authors), [])
        self.assertEqual(log[0].offset, offset_of(start) + 1)
        self.expect(history.log_is_gapless(log))
        for author in authors:
            self.assertGreater(len(author.acknowledged), ROUNDS)
            self.expect(history.acknowledged_is_kept(author.acknowledged, log))
            self.expect(history.sequences_grow(author.acknowledged))
        self.expect(history.snapshot_is_the_end(office.snapshot()["records"], log))

    def _check_consumers(self, log, watcher, reader, receiver):
        last = log[-1].sequence
        for consumer in (watcher, reader, receiver):
            wait_until(
                lambda consumer=consumer: consumer.last_sequence() >= last, 120,
                lambda consumer=consumer: f"{consumer} at {consumer.last_sequence()} of {last}",
            )
        arrived = lambda: history.everything_arrived(receiver.so_far(), log)
        wait_until(lambda: not arrived(), 60, lambda: f"webhook lacks {arrived()[:5]}", every=0.5)
        hooked = receiver.so_far()
        self.assertEqual(watcher.faults + reader.faults + receiver.faults, [])
        self.assertEqual(set(watcher.recoveries), {"Successful"}, watcher.recoveries)
        self.assertGreaterEqual(watcher.recoveries["Successful"], ROUNDS)
        for received in (watcher.received, reader.received, hooked):
            self.expect(history.everything_arrived(received, log))
            self.expect(history.nothing_is_invented(received, log))
            self.expect(history.bodies_are_full(received))
            self.expect(history.in_order_per_extension(received))
        for received in (watcher.received, hooked):
            self.expect(history.repeats_are_equal(received))
        for received in (watcher.received, reader.received):
            self.expect(history.in_order(received))
            self.expect(history.nothing_is_repeated(received))
        self.assertLessEqual(history.repeats(hooked), self.kills * REPEATS_PER_KILL_MAX)

    def _report(self, log, authors, watcher, reader, receiver, restarts):
        acknowledged = sum(len(author.acknowledged) for author in authors)
        unknown = sum(author.unknown for author in authors)
        print(
            f"\n  seed {SEED}: {self.kills} kills, {acknowledged} changes acknowledged, {unknown} without"
            f" answer, {len(log)} records, sequences {log[0].sequence}..{log[-1].sequence};"
            f" ready again in {min(restarts):.2f}..{max(restarts):.2f} s;"
            f" socket {len(watcher.received)} in {watcher.cuts} cuts {dict(watcher.recoveries)},"
            f" stream {len(reader.received)}, webhook {len(receiver.so_far())}"
            f" with {history.repeats(receiver.so_far())} repeats"
        )


class FirstSeconds(unittest.TestCase):
    def test_a_kill_during_the_first_start_never_leaves_a_store_that_does_not_open(self):
        chance, opened = random.Random(SEED), []
        for _ in range(10):
            with tempfile.TemporaryDirectory(prefix="lampfield-first-") as folder:
                server = Server(folder).spawn()
                try:
                    time.sleep(chance.uniform(0.0, 0.5))
                    server.kill()
                    opened.append(server.start())
                    contract.Login(server)
                finally:
                    if server.is_alive():
                        server.kill()
        print(f"\n  seed {SEED}: 10 first starts cut, then ready in at most {max(opened):.2f} s")


if __name__ == "__main__":
    unittest.main()
