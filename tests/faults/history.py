"""What may be said of a history: pure checks over what was acknowledged, committed and received.

Every check returns a list of sentences, one per violation; an empty list is a proof. The checks
themselves are proven by `test_history.py`, which breaks good histories one event at a time.
"""

import json
from collections import defaultdict
from dataclasses import dataclass

SEED_FIELDS = (
    "extensionId", "telephonyStatus", "sequence", "presenceStatus", "userStatus", "meetingStatus",
    "dndStatus", "allowSeeMyPresence", "ringOnMonitoredCall", "pickUpCallsOnHold",
)
STATUS_FIELDS = ("telephonyStatus", "presenceStatus", "userStatus", "meetingStatus", "dndStatus")


@dataclass(frozen=True)
class Committed:
    """A record of the account's log."""

    offset: int
    sequence: int
    extension: str
    body: str

    @classmethod
    def from_envelope(cls, envelope, offset):
        body = envelope["body"]
        return cls(offset, body["sequence"], body["extensionId"], canonical(body))


@dataclass(frozen=True)
class Received:
    """A notification as a consumer got it."""

    uuid: str
    sequence: int
    extension: str
    body: str

    @classmethod
    def from_envelope(cls, envelope):
        body = envelope["body"]
        return cls(envelope["uuid"], body["sequence"], body["extensionId"], canonical(body))


@dataclass(frozen=True)
class Acknowledged:
    """A change that its author was told is durable."""

    extension: str
    sequence: int
    changed: bool
    statuses: tuple

    @classmethod
    def from_answer(cls, extension, answer):
        presence = answer["presence"]
        statuses = tuple((name, presence[name]) for name in STATUS_FIELDS if name in presence)
        return cls(extension, answer["sequence"], answer["changed"], statuses)


def canonical(body):
    """Writes a JSON value so that equal values are equal texts."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def log_is_gapless(log):
    """Offsets and sequences grow by one from record to record."""
    found = []
    for before, after in zip(log, log[1:]):
        if after.offset != before.offset + 1:
            found.append(f"offset {before.offset} is followed by {after.offset}")
        if after.sequence != before.sequence + 1:
            found.append(f"sequence {before.sequence} is followed by {after.sequence}")
    return found


def acknowledged_is_kept(acknowledged, log):
    """Each acknowledged change is in the log, with the values its author was shown."""
    by_sequence = {record.sequence: record for record in log}
    found = []
    for ack in acknowledged:
        record = by_sequence.get(ack.sequence)
        if not ack.changed:
            continue
        if record is None:
            found.append(f"acknowledged sequence {ack.sequence} of {ack.extension} is lost")
            continue
        if record.extension != ack.extension:
            found.append(f"sequence {ack.sequence} belongs to {record.extension}, not {ack.extension}")
            continue
        body = json.loads(record.body)
        for name, value in ack.statuses:
            if body[name] != value:
                found.append(f"sequence {ack.sequence}: {name} was {value} when acknowledged, is {body[name]}")
    return found


def sequences_grow(acknowledged_in_order):
    """Answers to one author about one extension never go back."""
    found, last = [], {}
    for ack in acknowledged_in_order:
        before = last.get(ack.extension, 0)
        if ack.sequence < before or (ack.changed and ack.sequence == before):
            found.append(f"{ack.extension}: sequence {before} is followed by {ack.sequence}")
        last[ack.extension] = ack.sequence
    return found


def snapshot_is_the_end(records, log):
    """The snapshot shows each extension as its last record in the log does."""
    newest = {record.extension: record for record in log}
    shown = {str(record["extension"]["id"]): record["presence"] for record in records}
    found = []
    for extension, record in newest.items():
        presence, body = shown.get(extension), json.loads(record.body)
        if presence is None:
            found.append(f"{extension} is missing from the snapshot")
            continue
        for name in (*STATUS_FIELDS, "sequence"):
            if presence.get(name) != body[name]:
                found.append(f"{extension}: the snapshot's {name} is {presence.get(name)}, the log's {body[name]}")
    return found


def everything_arrived(received, log):
    """Each committed event arrived at least once."""
    arrived = {(event.extension, event.sequence) for event in received}
    missing = [r for r in log if (r.extension, r.sequence) not in arrived]
    return [f"sequence {r.sequence} of {r.extension} never arrived" for r in missing]


def nothing_is_invented(received, log):
    """Nothing arrived that is not committed, and it says what the log says."""
    committed = {(record.extension, record.sequence): record.body for record in log}
    found = []
    for event in received:
        body = committed.get((event.extension, event.sequence))
        if body is None:
            found.append(f"sequence {event.sequence} of {event.extension} arrived but is not in the log")
        elif body != event.body:
            found.append(f"sequence {event.sequence}: arrived {event.body}, committed {body}")
    return found


def repeats_are_equal(received):
    """The same change always carries the same uuid and body; the same uuid always the same change."""
    of_change, of_uuid, found = {}, {}, []
    for event in received:
        content = (event.uuid, event.body)
        if of_change.setdefault((event.extension, event.sequence), content) != content:
            found.append(f"sequence {event.sequence} of {event.extension} arrived with two contents")
        if of_uuid.setdefault(event.uuid, event) != event:
            found.append(f"uuid {event.uuid} arrived with two contents")
    return found


def nothing_is_repeated(received):
    """No change arrived twice."""
    seen, found = set(), []
    for event in received:
        if (event.extension, event.sequence) in seen:
            found.append(f"sequence {event.sequence} of {event.extension} arrived again")
        seen.add((event.extension, event.sequence))
    return found


def repeats(received):
    """Counts the arrivals beyond the first of each change."""
    return len(received) - len({(event.extension, event.sequence) for event in received})


def in_order(received):
    """One order over all extensions, as on a socket."""
    pairs = zip(received, received[1:])
    return [f"{a.sequence} is followed by {b.sequence}" for a, b in pairs if b.sequence <= a.sequence]


def in_order_per_extension(received):
    """New changes of one extension arrive in their order; repeats of earlier ones may come between."""
    arrived, found = defaultdict(int), []
    seen = set()
    for event in received:
        if (event.extension, event.sequence) in seen:
            continue
        seen.add((event.extension, event.sequence))
        if event.sequence <= arrived[event.extension]:
            found.append(f"{event.extension}: {event.sequence} after {arrived[event.extension]}")
        arrived[event.extension] = max(arrived[event.extension], event.sequence)
    return found


def bodies_are_full(received):
    """Each body has the ten fields of the founding document."""
    found = []
    for event in received:
        missing = [name for name in SEED_FIELDS if name not in json.loads(event.body)]
        if missing:
            found.append(f"sequence {event.sequence} lacks {', '.join(missing)}")
    return found
