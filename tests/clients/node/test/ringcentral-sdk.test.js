// @ringcentral/sdk with @ringcentral/subscriptions: the founding use, from log-in to delete.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { invented, lost, repeated, rising, shapeOf } from "../stage/history.js";
import { Ingest, Log, Own } from "../stage/own.js";
import { accountFilter, Inbox, logIn, me, newSdk } from "../stage/sdk.js";
import { DemoServer } from "../stage/server.js";
import { until } from "../stage/waiting.js";

let server, sdk, platform, own, mine, colleagues;

before(async () => {
  server = await DemoServer.started();
  sdk = await logIn(server);
  platform = sdk.platform();
  mine = await me(sdk);
  own = new Own(server, mine.account);
  const { records } = await (await platform.get(accountFilter, { perPage: 1000 })).json();
  const others = records.filter((record) => record.userStatus && record.allowSeeMyPresence && String(record.extension.id) !== mine.extension);
  colleagues = others.map((record) => String(record.extension.id));
});
after(() => server.end());

const presence = (extension) => `/restapi/v1.0/account/~/extension/${extension}/presence`;
const put = async (body, extension = "~") => (await platform.put(presence(extension), body)).json();

/** Makes the call, expects it to fail, and returns the SDK's error and the body it carries. */
async function refused(call) {
  const error = await call.then(() => assert.fail("was not refused"), (error) => error);
  assert.ok(error.response, error.stack);
  return { error, status: error.response.status, body: await error.response.clone().json() };
}

test("logs in with a password and is the same user as with the JWT", async () => {
  const other = newSdk(server);
  await other.platform().login({
    username: server.env.LAMPFIELD_USERNAME, extension: server.env.LAMPFIELD_EXTENSION, password: server.env.LAMPFIELD_PASSWORD,
  });
  assert.deepEqual(await me(other), mine);
  const token = await other.platform().auth().data();
  assert.equal(token.token_type.toLowerCase(), "bearer");
  assert.equal(String(token.owner_id), mine.extension);
  await other.platform().logout();
  assert.equal(await other.platform().loggedIn(), false);
});

test("reads a snapshot of the account's presence page by page", async () => {
  const whole = await (await platform.get(accountFilter, { perPage: 1000, detailedTelephonyState: true })).json();
  assert.ok(whole.records.length >= 45, `${whole.records.length} records`);
  const paged = [];
  for (let page = 1, pages = 1; page <= pages; page += 1) {
    const answer = await (await platform.get(accountFilter, { page, perPage: 7 })).json();
    pages = answer.paging.totalPages;
    assert.equal(answer.paging.page, page);
    paged.push(...answer.records);
  }
  assert.deepEqual(paged.map((record) => record.extension.id), whole.records.map((record) => record.extension.id));
  const self = whole.records.find((record) => String(record.extension.id) === mine.extension);
  assert.deepEqual(self.activeCalls, []);
  assert.equal(self.extension.extensionNumber, server.env.LAMPFIELD_EXTENSION);
  assert.ok(whole.records.some((record) => Object.keys(record).length === 3), "a queue has three members");
});

test("receives the founding event for an own change and for a reported call", async () => {
  const inbox = await Inbox.open(sdk);
  const changed = await put({ userStatus: "Busy" });
  assert.equal(changed.userStatus, "Busy");
  const first = await inbox.event((e) => e.body.userStatus === "Busy" && e.body.extensionId === mine.extension);
  assert.equal(first.body.presenceStatus, "Busy");
  await put({ userStatus: "Available" });

  const answer = await own.call(mine.extension, "founding", "CallConnected");
  assert.equal(answer.changed, true);
  const second = await inbox.event((e) => e.body.telephonyStatus === "CallConnected");
  assert.equal(second.body.presenceStatus, "Busy");
  assert.equal(second.body.userStatus, "Available");
  assert.equal(second.body.sequence, answer.sequence);
  await own.call(mine.extension, "founding", "NoCall");
  await inbox.event((e) => e.body.sequence === answer.sequence + 1 && e.body.telephonyStatus === "NoCall");

  assert.equal(inbox.received.length, 4);
  assert.deepEqual(inbox.received.flatMap(shapeOf), []);
  assert.deepEqual(rising(inbox.received), []);
  for (const envelope of inbox.received) {
    assert.equal(envelope.subscriptionId, inbox.id);
    assert.equal(envelope.ownerId, mine.extension);
    assert.equal(envelope.body.extensionId, mine.extension);
  }
  await inbox.close();
});

test("a change that changes nothing and a message tell nobody", async () => {
  const inbox = await Inbox.open(sdk);
  await put({ userStatus: "Available" });
  await put({ message: "back at two" });
  await put({ message: "" });
  const marker = await own.settings(colleagues[0], { userStatus: "Busy" });
  await inbox.event((e) => e.body.sequence === marker.sequence);
  assert.deepEqual(inbox.received.map((e) => e.body.extensionId), [colleagues[0]]);
  await own.settings(colleagues[0], { userStatus: "Available" });
  await inbox.close();
});

test("subscribes thirty times while presence is changing, and no socket loses or repeats an event", async () => {
  const ingest = new Ingest(own, colleagues.slice(0, 6));
  try {
    let seen = 0;
    for (let turn = 0; turn < 30; turn += 1) {
      const inbox = await Inbox.open(sdk);
      await until(() => inbox.received.length >= 3, 5_000, () => `events; ${ingest.failures}`);
      assert.deepEqual(rising(inbox.received), []);
      assert.deepEqual(repeated(inbox.received), []);
      seen += inbox.received.length;
      await inbox.close();
    }
    assert.ok(seen >= 90);
  } finally {
    await ingest.stop();
  }
  assert.deepEqual(ingest.failures, []);
});

test("every event from the subscription's answer on arrives, held back or not", async () => {
  const ingest = new Ingest(own, colleagues.slice(0, 6));
  const inbox = await Inbox.open(sdk);
  const log = await Log.follow(own);
  await until(() => inbox.received.length > 100, 20_000, "a hundred events");
  await ingest.stop();
  const committed = await log.committed();
  await inbox.reaches(committed.at(-1).body.sequence, 10_000);
  const first = inbox.received.findIndex((e) => e.body.sequence >= committed[0].body.sequence);
  const received = inbox.received.slice(first);
  assert.deepEqual(lost(received, committed), []);
  assert.deepEqual(invented(received, committed), []);
  assert.deepEqual(repeated(received), []);
  await inbox.close();
});

test("renews with the same id and goes on, and is listed while it lives", async () => {
  const inbox = await Inbox.open(sdk);
  const { id, eventFilters } = inbox.live.subscriptionInfo;
  assert.deepEqual(eventFilters, [`/restapi/v1.0/account/${mine.account}/presence`]);
  await inbox.live.refresh();
  assert.equal(inbox.id, id);
  await put({ userStatus: "Busy" });
  await inbox.event((e) => e.body.userStatus === "Busy");
  await put({ userStatus: "Available" });
  const listed = await (await platform.get("/restapi/v1.0/subscription")).json();
  assert.ok(listed.records.some((record) => record.id === id && record.status === "Active"));
  await inbox.close();
});

test("after the delete no frame of the subscription arrives, although presence changes", async () => {
  const ingest = new Ingest(own, colleagues.slice(0, 4));
  const inbox = await Inbox.open(sdk);
  const { id } = inbox;
  await until(() => inbox.received.length > 10, 10_000, "events before the delete");
  inbox.tap();
  await inbox.live.revoke();
  const answered = inbox.frames.findIndex(([meta]) => meta.type === "ClientRequest" && meta.status === 204);
  assert.ok(answered >= 0, "the 204 is among the frames");
  const before = ingest.changes;
  await until(() => ingest.changes > before + 50, 20_000, "fifty more changes");
  assert.deepEqual(inbox.frames.slice(answered + 1), []);
  const { status, body } = await refused(platform.get(`/restapi/v1.0/subscription/${id}`));
  assert.deepEqual([status, body.errorCode], [404, "CMN-102"]);
  await ingest.stop();
  await inbox.extension.revoke();
});

test("another account's extension is a 404 like an unknown one, and a wrong value a 400", async () => {
  const stranger = await me(await logIn(server, { jwt: server.env.LAMPFIELD_STRANGER_JWT }));
  const foreign = await refused(platform.get(presence(stranger.extension)));
  const unknown = await refused(platform.get(presence("999999999999")));
  assert.deepEqual([foreign.status, foreign.body], [unknown.status, { ...unknown.body }]);
  assert.equal(foreign.status, 404);
  assert.equal(foreign.body.errorCode, "CMN-102");
  assert.match(foreign.error.message, /Resource for parameter \[extensionId\] is not found/);

  const wrong = await refused(platform.put(presence("~"), { dndStatus: "Sometimes" }));
  assert.equal(wrong.status, 400);
  assert.equal(wrong.body.errors[0].parameterName, "dndStatus");
  assert.match(wrong.error.message, /Parameter \[dndStatus\] value is invalid/);
  const theirs = await refused(platform.put(presence(colleagues[0]), { userStatus: "Busy" }));
  assert.deepEqual([theirs.status, theirs.body.errorCode], [403, "CMN-404"]);
  const login = await refused(newSdk(server).platform().login({ jwt: "nonsense" }));
  assert.equal(login.status, 400);
  assert.equal(login.body.error, "invalid_grant");
});

test("a subscription that cannot be is an error of the SDK, and the socket may ask again", async () => {
  const stranger = await me(await logIn(server, { jwt: server.env.LAMPFIELD_STRANGER_JWT }));
  for (const filter of [`/restapi/v1.0/account/${stranger.account}/presence`, "/restapi/v1.0/nonsense", presence("999999999999")]) {
    const error = await Inbox.open(sdk, [filter]).then(() => assert.fail(filter), (error) => error);
    assert.equal(error.constructor.name, "RestException", error.stack);
    assert.ok([400, 403, 404].includes(error.response.status), `${filter}: ${error.message}`);
    assert.match(error.response.data.errorCode, /^(SUB|CMN)-\d+$/);
  }
});

test("a rejected access token is refreshed by itself, and all calls under way succeed", async () => {
  const other = await logIn(server);
  const data = await other.platform().auth().data();
  await other.platform().auth().setData({ ...data, access_token: `${data.access_token}x` });
  const answers = await Promise.all(Array.from({ length: 5 }, () => other.platform().get(presence("~"))));
  assert.ok(answers.every((answer) => answer.status === 200));
  const renewed = await other.platform().auth().data();
  assert.notEqual(renewed.access_token, data.access_token);
});

test("two holders of one log-in survive each other's refresh, and the old token dies at once", async () => {
  const one = await logIn(server);
  const data = await one.platform().auth().data();
  const two = newSdk(server);
  await two.platform().auth().setData(data);
  await one.platform().refresh();
  const old = await fetch(`${server.url}${presence("~")}`, { headers: { authorization: `bearer ${data.access_token}` } });
  assert.equal(old.status, 401);
  assert.equal((await two.platform().get(presence("~"))).status, 200);
  assert.equal((await one.platform().get(presence("~"))).status, 200);
});

test("a socket outlives the refresh of the access token it came from and ends with its log-in", async () => {
  const other = await logIn(server);
  const inbox = await Inbox.open(other);
  await other.platform().refresh();
  await put({ userStatus: "Busy" });
  await inbox.event((e) => e.body.userStatus === "Busy");
  await put({ userStatus: "Available" });
  let code;
  inbox.extension.ws.addEventListener("close", (event) => (code = event.code));
  clearInterval(inbox.extension.intervalHandle);
  await other.platform().logout();
  await until(() => code !== undefined, 5_000, "the socket closes");
  assert.equal(code, 1008);
  clearTimeout(inbox.extension.pingServerHandle);
});

test("who hides is seen by nobody but himself, in events and in reads, until he shows himself again", async () => {
  const other = await logIn(server, { jwt: server.env.LAMPFIELD_OTHER_JWT });
  const theirs = await me(other);
  const bystander = colleagues.find((extension) => extension !== theirs.extension);
  const [watching, himself] = [await Inbox.open(sdk), await Inbox.open(other)];
  await other.platform().put(presence("~"), { allowSeeMyPresence: false });
  await own.call(theirs.extension, "secret", "CallConnected");
  await own.settings(theirs.extension, { dndStatus: "DoNotAcceptAnyCalls" });
  const marker = await own.settings(bystander, { userStatus: "Busy" });
  await watching.reaches(marker.sequence, 5_000);
  await himself.reaches(marker.sequence, 5_000);

  const hidden = { telephonyStatus: "NoCall", presenceStatus: "Offline", userStatus: "Offline", meetingStatus: "Disconnected", dndStatus: "TakeAllCalls", allowSeeMyPresence: false };
  const seen = watching.received.filter((envelope) => envelope.body.extensionId === theirs.extension);
  assert.ok(seen.length >= 1);
  for (const { body } of seen) assert.deepEqual(Object.fromEntries(Object.keys(hidden).map((name) => [name, body[name]])), hidden);
  const real = himself.received.filter((envelope) => envelope.body.extensionId === theirs.extension);
  assert.equal(real.at(-1).body.telephonyStatus, "CallConnected");
  assert.equal(real.at(-1).body.dndStatus, "DoNotAcceptAnyCalls");

  const { records } = await (await platform.get(accountFilter, { perPage: 1000, detailedTelephonyState: true })).json();
  const record = records.find(({ extension }) => String(extension.id) === theirs.extension);
  const single = await (await platform.get(presence(theirs.extension), { detailedTelephonyState: true })).json();
  for (const shown of [record, single]) {
    assert.deepEqual(Object.keys(shown).sort(), ["allowSeeMyPresence", "extension", "presenceStatus", "uri"]);
    assert.equal(shown.presenceStatus, "Offline");
  }
  const refusal = await Inbox.open(sdk, [presence(theirs.extension)]).then(() => assert.fail("was not refused"), (error) => error);
  assert.deepEqual([refusal.response.status, refusal.response.data.errorCode], [403, "SUB-403"]);

  await other.platform().put(presence("~"), { allowSeeMyPresence: true });
  await watching.event((e) => e.body.extensionId === theirs.extension && e.body.telephonyStatus === "CallConnected" && e.body.allowSeeMyPresence);
  await own.call(theirs.extension, "secret", "NoCall");
  await own.settings(theirs.extension, { dndStatus: "TakeAllCalls" });
  await own.settings(bystander, { userStatus: "Available" });
  await watching.close();
  await himself.close();
});
