"""Authors of changes: threads that report calls and settings and write down what was acknowledged."""

import random
import threading

import own
from history import Acknowledged

CALL_STEPS = ("Ringing", "CallConnected", "OnHold", "CallConnected", "NoCall")


class Writer(threading.Thread):
    """Changes a few extensions that nobody else touches, one change at a time."""

    def __init__(self, office, extensions, seed, pause=0.0):
        super().__init__(daemon=True, name=f"writer {seed}")
        self.office, self.extensions, self.pause = office, list(extensions), pause
        self.chance = random.Random(seed)
        self.acknowledged, self.unknown, self.refused, self.faults = [], 0, [], []
        self._door = office.door(keep=True)
        self._calls = {extension: (0, 0) for extension in self.extensions}
        self._ended = threading.Event()

    def run(self):
        while not self._ended.is_set():
            extension = self.chance.choice(self.extensions)
            try:
                answer = self._change(extension)
                self.acknowledged.append(Acknowledged.from_answer(extension, answer))
            except ConnectionError:
                self.unknown += 1
                self._ended.wait(0.02)
            except own.Refused as refusal:
                self.refused.append(refusal)
                self._ended.wait(0.05)
            except Exception as error:  # noqa: BLE001 - reported by the test, never swallowed
                self.faults.append(repr(error))
                self._ended.wait(0.2)
            if self.pause:
                self._ended.wait(self.pause)

    def _change(self, extension):
        """Makes the next change; a refused or unanswered one is made again in the next turn."""
        if self.chance.random() < 0.25:
            setting = self.chance.choice((
                {"userStatus": self.chance.choice(("Available", "Busy", "Offline"))},
                {"dndStatus": self.chance.choice(("TakeAllCalls", "DoNotAcceptAnyCalls"))},
            ))
            return self._door.put(self.office.presence_path(extension), setting)
        number, step = self._calls[extension]
        call = {
            "telephonyStatus": CALL_STEPS[step], "direction": "Inbound", "from": "+12025550100",
            "to": "101",
        }
        path = self.office.call_path("fault-test", extension, f"c{number}")
        answer = self._door.put(path, call)
        ended = step + 1 == len(CALL_STEPS)
        self._calls[extension] = (number + 1, 0) if ended else (number, step + 1)
        return answer

    def end(self):
        self._ended.set()
        self.join(35)
        self._door.close()


def share(office, extensions, writers, seed, pause=0.0):
    """Returns started writers that share the extensions without overlap."""
    parts = [extensions[index::writers] for index in range(writers)]
    started = [Writer(office, part, f"{seed}-{i}", pause) for i, part in enumerate(parts)]
    for writer in started:
        writer.start()
    return started


def plain_users(office, login, count):
    """Picks extensions whose events the logged-in user sees unmasked, beside his own."""
    records = login.door().get("/restapi/v1.0/account/~/presence", query={"perPage": 1000})["records"]
    seen = [
        str(record["extension"]["id"]) for record in records
        if record.get("allowSeeMyPresence") and record.get("callerIdVisibility", "All") == "All"
        and "userStatus" in record
    ]
    if len(seen) < count:
        raise AssertionError(f"only {len(seen)} visible users")
    return seen[:count]
