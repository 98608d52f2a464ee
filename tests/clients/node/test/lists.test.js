// Lines, favorites, call queues and unified presence through @rc-ex/core: its typed paths where it has them.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import RingCentral from "@rc-ex/core";

import { Own } from "../stage/own.js";
import { DemoServer } from "../stage/server.js";

let server, rc, own, mine, other, queue;

before(async () => {
  server = await DemoServer.started();
  rc = new RingCentral({ server: server.url, clientId: server.env.RC_CLIENT_ID, clientSecret: server.env.RC_CLIENT_SECRET });
  await rc.authorize({ jwt: server.env.RC_JWT });
  const extension = await rc.restapi().account().extension().get();
  mine = String(extension.id);
  own = new Own(server, extension.account.id);
  const people = await rc.restapi().account().extension().list({ type: ["User"] });
  other = String(people.records.find((person) => String(person.id) !== mine).id);
  queue = (await own.request("POST", "/extensions", { number: "790", name: "Front desk", type: "Department" })).id;
  await own.request("PUT", `/extensions/${mine}`, { queues: [queue] });
});
after(async () => {
  await rc.revoke();
  await server.end();
});

const refusal = async (request) => {
  const error = await request.then(() => assert.fail("it was not refused"), (error) => error);
  assert.equal(error.constructor.name, "RestException");
  return [error.response.status, error.response.data.errorCode];
};

test("lines are read, replaced by a bare array and read one by one", async () => {
  const path = "/restapi/v1.0/account/~/extension/~/presence/line";
  const monitored = (list) => list.records.map((line) => line.extension.id);
  assert.deepEqual(monitored((await rc.get(path, { page: 1, perPage: 1000 })).data), [mine, mine]);
  const lines = [mine, mine, other, queue].map((id, place) => ({ id: String(place + 1), extension: { id } }));
  assert.deepEqual(monitored((await rc.put(path, lines)).data), [mine, mine, other, queue]);
  assert.equal((await rc.get(`${path}/3`)).data.extension.type, "User");
  assert.deepEqual(await refusal(rc.put(path, [{ id: "1", extension: { id: other } }])), [400, "CMN-101"]);
  const features = (await rc.get("/restapi/v1.0/account/~/extension/~/features")).data.records;
  assert.deepEqual(features.find(({ id }) => id === "HUD").params, [{ name: "limitMax", value: "100" }]);
});

test("a member chooses for one queue, seen from the queue and from the member", async () => {
  const queues = (id) => rc.restapi().account().callQueues(id);
  const found = (await queues().list({ perPage: 1000 })).records.find(({ id }) => id === queue);
  assert.deepEqual([found.name, found.extensionNumber, found.status], ["Front desk", "790", "Enabled"]);
  assert.equal((await queues(queue).get()).editableMemberStatus, true);

  const agent = rc.restapi().account().extension().callQueuePresence();
  const after = await agent.put({ records: [{ callQueue: { id: queue }, acceptCalls: false }] });
  assert.equal(after.records.find(({ callQueue }) => callQueue.id === queue).acceptCalls, false);
  const members = (await queues(queue).presence().get()).records;
  assert.deepEqual(members.map(({ member, acceptQueueCalls, acceptCurrentQueueCalls }) => [member.id, acceptQueueCalls, acceptCurrentQueueCalls]), [[mine, true, false]]);
  members[0].acceptCurrentQueueCalls = true;
  assert.equal((await queues(queue).presence().put({ records: members })).records[0].acceptCurrentQueueCalls, true);

  await rc.restapi().account().extension().presence().put({ dndStatus: "DoNotAcceptDepartmentCalls" });
  assert.equal((await queues(queue).presence().get()).records[0].acceptQueueCalls, false);
  await rc.restapi().account().extension().presence().put({ dndStatus: "TakeAllCalls" });
  assert.deepEqual(await refusal(queues(mine).get()), [404, "CMN-102"]);
});

test("favorites are replaced and read", async () => {
  const favorites = rc.restapi().account().extension().favorite();
  const put = await favorites.put({ records: [{ id: 1, extensionId: other }] });
  assert.deepEqual(put.records.map(({ id, extensionId }) => [id, extensionId]), [[1, other]]);
  assert.deepEqual((await favorites.get()).records, put.records);
  assert.deepEqual(await refusal(favorites.put({ records: [{ contactId: "7" }] })), [400, "CMN-101"]);
});

test("unified presence is read and changed, and of several as an array", async () => {
  const unified = rc.restapi().account().extension().unifiedPresence();
  const before = await unified.get();
  assert.deepEqual([before.status, before.glip.visibility, before.meeting.status], ["Available", "Visible", "NoMeeting"]);
  const change = { glip: { availability: "DND" }, telephony: { availability: "DoNotAcceptQueueCalls" } };
  assert.equal((await unified.patch(change)).status, "DND");
  assert.equal((await rc.restapi().account().extension().presence().get()).dndStatus, "DoNotAcceptDepartmentCalls");
  await unified.patch({ glip: { availability: "Available" }, telephony: { availability: "TakeAllCalls" } });
  const several = await rc.restapi().account().extension(`${mine},${other}`).unifiedPresence().get();
  assert.deepEqual(several.map(({ resourceId, status }) => [resourceId, status]), [[mine, 200], [other, 200]]);
});
