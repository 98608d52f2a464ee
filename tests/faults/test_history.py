"""Negative controls: every check of `history.py` must turn red when a good history is broken."""

import dataclasses
import json
import random
import unittest

import history
from history import Acknowledged, Committed, Received, canonical

EXTENSIONS = ("201", "202", "203")


def body(extension, sequence, telephony="NoCall"):
    return {
        "extensionId": extension, "telephonyStatus": telephony, "sequence": sequence,
        "presenceStatus": "Available", "userStatus": "Available", "meetingStatus": "Disconnected",
        "dndStatus": "TakeAllCalls", "allowSeeMyPresence": True, "ringOnMonitoredCall": False,
        "pickUpCallsOnHold": False,
    }


def good(count=60):
    """Returns a log, what was acknowledged, and what arrived, all without fault."""
    chance, log, acknowledged, received = random.Random(5), [], [], []
    for sequence in range(1, count + 1):
        extension = chance.choice(EXTENSIONS)
        value = body(extension, sequence, chance.choice(("NoCall", "Ringing", "CallConnected")))
        log.append(Committed(sequence, sequence, extension, canonical(value)))
        statuses = tuple((name, value[name]) for name in history.STATUS_FIELDS)
        acknowledged.append(Acknowledged(extension, sequence, True, statuses))
        received.append(Received(f"uuid-{sequence}", sequence, extension, canonical(value)))
    return log, acknowledged, received


class Checks(unittest.TestCase):
    def setUp(self):
        self.log, self.acknowledged, self.received = good()

    def test_a_good_history_passes_every_check(self):
        log, acknowledged, received = self.log, self.acknowledged, self.received
        for found in (
            history.log_is_gapless(log), history.acknowledged_is_kept(acknowledged, log),
            history.sequences_grow(acknowledged), history.everything_arrived(received, log),
            history.nothing_is_invented(received, log), history.repeats_are_equal(received),
            history.nothing_is_repeated(received), history.in_order(received),
            history.in_order_per_extension(received), history.bodies_are_full(received),
        ):
            self.assertEqual(found, [])
        self.assertEqual(history.repeats(received), 0)

    def test_any_single_lost_arrival_is_found(self):
        for lost in range(len(self.received)):
            rest = self.received[:lost] + self.received[lost + 1:]
            self.assertEqual(len(history.everything_arrived(rest, self.log)), 1)

    def test_any_single_lost_record_is_found(self):
        for lost in range(len(self.log)):
            rest = self.log[:lost] + self.log[lost + 1:]
            self.assertTrue(history.acknowledged_is_kept(self.acknowledged, rest))
            if 0 < lost < len(self.log) - 1:
                self.assertEqual(len(history.log_is_gapless(rest)), 2)

    def test_an_acknowledged_value_that_changed_is_found(self):
        record = self.log[10]
        changed = canonical({**body(record.extension, record.sequence), "userStatus": "Busy"})
        self.log[10] = dataclasses.replace(record, body=changed)
        self.assertTrue(history.acknowledged_is_kept(self.acknowledged, self.log))
        self.assertTrue(history.nothing_is_invented(self.received, self.log))

    def test_a_sequence_that_goes_back_or_stands_is_found(self):
        first = self.acknowledged[0]
        self.assertTrue(history.sequences_grow([*self.acknowledged, first]))
        self.assertTrue(history.sequences_grow([first, first]))

    def test_a_repeat_with_another_content_is_found(self):
        event = self.received[3]
        same = [*self.received, event]
        self.assertEqual(history.repeats_are_equal(same), [])
        self.assertEqual(history.repeats(same), 1)
        self.assertEqual(len(history.nothing_is_repeated(same)), 1)
        for other in (
            dataclasses.replace(event, uuid="another"), dataclasses.replace(event, body="{}"),
            dataclasses.replace(event, sequence=999),
        ):
            self.assertTrue(history.repeats_are_equal([*self.received, other]))

    def test_two_swapped_arrivals_of_one_extension_are_found(self):
        places = [i for i, event in enumerate(self.received) if event.extension == "201"]
        one, two = places[4], places[5]
        self.received[one], self.received[two] = self.received[two], self.received[one]
        self.assertTrue(history.in_order(self.received))
        self.assertEqual(len(history.in_order_per_extension(self.received)), 1)

    def test_an_invented_arrival_is_found(self):
        event = Received("uuid-x", 1000, "201", canonical(body("201", 1000)))
        self.assertTrue(history.nothing_is_invented([*self.received, event], self.log))

    def test_a_snapshot_that_lags_or_lacks_an_extension_is_found(self):
        newest = {record.extension: record for record in self.log}
        shown = [
            {"extension": {"id": extension}, "presence": json.loads(record.body)}
            for extension, record in newest.items()
        ]
        self.assertEqual(history.snapshot_is_the_end(shown, self.log), [])
        self.assertTrue(history.snapshot_is_the_end(shown[1:], self.log))
        shown[0]["presence"]["sequence"] -= 1
        self.assertTrue(history.snapshot_is_the_end(shown, self.log))

    def test_a_body_without_a_founding_field_is_found(self):
        value = body("201", 1)
        del value["meetingStatus"]
        self.assertTrue(history.bodies_are_full([Received("u", 1, "201", canonical(value))]))


if __name__ == "__main__":
    unittest.main()
