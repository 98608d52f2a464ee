import assert from "node:assert/strict";
import test from "node:test";

import { invented, lost, repeated, rising, shapeOf } from "../stage/history.js";

const envelope = (sequence, extension = "201") => ({
  uuid: `00000000-0000-4000-8000-${String(sequence).padStart(12, "0")}`,
  event: `/restapi/v1.0/account/~/extension/${extension}/presence`,
  timestamp: "2016-02-18T09:37:24.597Z",
  subscriptionId: "9d38419f-645f-4ee3-a053-8cf1368c21c4",
  ownerId: "6610372004",
  body: {
    extensionId: extension, telephonyStatus: "NoCall", sequence, presenceStatus: "Available", userStatus: "Available",
    meetingStatus: "Disconnected", dndStatus: "TakeAllCalls", allowSeeMyPresence: true, ringOnMonitoredCall: false,
    pickUpCallsOnHold: false,
  },
});
const good = () => Array.from({ length: 20 }, (_, i) => envelope(i + 1, String(201 + (i % 3))));

test("the checks pass a good history", () => {
  const committed = good();
  for (const found of [rising(good()), lost(good(), committed), repeated(good()), invented(good(), committed)]) {
    assert.deepEqual(found, []);
  }
  assert.deepEqual(good().flatMap(shapeOf), []);
});

test("any single lost event is found", () => {
  for (let gone = 0; gone < 20; gone += 1) {
    assert.equal(lost(good().filter((_, i) => i !== gone), good()).length, 1);
  }
});

test("a repeat, a swap and an invention are found", () => {
  assert.ok(repeated([...good(), good()[4]]).length > 0);
  const swapped = good();
  [swapped[3], swapped[4]] = [swapped[4], swapped[3]];
  assert.equal(rising(swapped).length, 1);
  const other = good();
  other[7].body.userStatus = "Busy";
  assert.equal(invented(other, good()).length, 1);
});

test("a missing, an extra and a wrongly typed member are found", () => {
  for (const spoil of [
    (e) => delete e.body.meetingStatus, (e) => (e.body.message = "x"), (e) => (e.body.extensionId = 201), (e) => delete e.ownerId,
    (e) => (e.timestamp = "2016-02-18T09:37:24Z"), (e) => (e.event = "/restapi/v1.0/account/~/presence"), (e) => (e.uuid = "1"),
  ]) {
    const spoilt = envelope(1);
    spoil(spoilt);
    assert.ok(shapeOf(spoilt).length > 0, spoil.toString());
  }
});
