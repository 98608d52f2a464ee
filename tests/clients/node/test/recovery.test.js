// @ringcentral/subscriptions over connections that break: it recovers by itself, and nothing is lost.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { invented, lost, repeated, rising, shapeOf } from "../stage/history.js";
import { Ingest, Log, Own } from "../stage/own.js";
import { Proxy } from "../stage/proxy.js";
import { accountFilter, Inbox, logIn, me } from "../stage/sdk.js";
import { DemoServer } from "../stage/server.js";
import { once, pause, until } from "../stage/waiting.js";

let server, sdk, own, colleagues, proxy;

before(async () => {
  server = await DemoServer.started({ data: true });
  proxy = await new Proxy(server.url).open();
  sdk = await logIn(server, { url: proxy.url });
  const mine = await me(sdk);
  own = new Own(server, mine.account);
  const { records } = await (await sdk.platform().get(accountFilter, { perPage: 1000 })).json();
  const others = records.filter((record) => record.userStatus && record.allowSeeMyPresence && String(record.extension.id) !== mine.extension);
  colleagues = others.map((record) => String(record.extension.id)).slice(0, 6);
});
after(async () => {
  proxy.close();
  await server.end();
});

/** Compares what arrived with the log: all of it, once, in order, unaltered. */
async function assertComplete(inbox, log) {
  const committed = await log.committed();
  await inbox.reaches(committed.at(-1).body.sequence, 30_000);
  assert.deepEqual(lost(inbox.received, committed).slice(0, 5), []);
  assert.deepEqual(invented(inbox.received, committed).slice(0, 5), []);
  assert.deepEqual(repeated(inbox.received).slice(0, 5), []);
  assert.deepEqual(rising(inbox.received).slice(0, 5), []);
  assert.deepEqual(inbox.received.flatMap(shapeOf).slice(0, 5), []);
  return committed.length;
}

const recovered = (inbox) => once(inbox.extension.eventEmitter, "autoRecoverSuccess", 40_000);
const more = async (ingest, count) => {
  const before = ingest.changes;
  await until(() => ingest.changes >= before + count, 30_000, () => `${count} changes; ${ingest.failures}`);
};

test("a cut that both sides notice loses and repeats nothing", async (t) => {
  const inbox = await Inbox.open(sdk);
  const log = await Log.follow(own);
  const ingest = new Ingest(own, colleagues, 10);
  const { id } = inbox;
  for (let turn = 0; turn < 3; turn += 1) {
    await more(ingest, 30);
    const back = recovered(inbox);
    proxy.cut();
    await back;
    assert.equal(inbox.extension.connectionDetails.recoveryState, "Successful");
    assert.equal(inbox.id, id);
  }
  await ingest.stop();
  t.diagnostic(`3 cuts, ${await assertComplete(inbox, log)} events, none lost, none twice`);
  await inbox.close();
});

test("a cut that the server does not notice loses and repeats nothing, however much was missed", async (t) => {
  const inbox = await Inbox.open(sdk);
  const log = await Log.follow(own);
  const ingest = new Ingest(own, colleagues, 2);
  for (const missed of [60, 300, 2500]) {
    await more(ingest, 30);
    proxy.freeze();
    const seen = inbox.received.length;
    await more(ingest, missed);
    assert.ok(inbox.received.length <= seen + 5, "the connection is dead");
    const back = recovered(inbox);
    proxy.dropFrozenClients();
    await back;
  }
  await ingest.stop();
  t.diagnostic(`3 silent cuts, ${await assertComplete(inbox, log)} events, none lost, none twice`);
  await inbox.close();
});

test("a subscription deleted after a recovery stays silent", async () => {
  const inbox = await Inbox.open(sdk);
  const back = recovered(inbox);
  proxy.cut();
  await back;
  inbox.tap();
  await inbox.live.revoke();
  const answered = inbox.frames.findIndex(([meta]) => meta.type === "ClientRequest" && meta.status === 204);
  const ingest = new Ingest(own, colleagues);
  await more(ingest, 30);
  await ingest.stop();
  assert.deepEqual(inbox.frames.slice(answered + 1), []);
  await inbox.extension.revoke();
});

test("a new subscription after a failed recovery goes on from there", async () => {
  const inbox = await Inbox.open(sdk);
  const { id } = inbox;
  const ingest = new Ingest(own, colleagues, 20);
  await until(() => inbox.received.length > 3, 5_000, "events");
  const failed = once(inbox.extension.eventEmitter, "autoRecoverFailed", 40_000);
  await sdk.platform().delete(`/restapi/v1.0/subscription/${id}`);
  proxy.cut();
  await failed;
  assert.equal(inbox.extension.connectionDetails.recoveryState, "Failed");
  assert.notEqual(inbox.id, id);
  const seen = inbox.received.length;
  await until(() => inbox.received.length > seen + 10, 10_000, "events of the new subscription");
  await ingest.stop();
  assert.deepEqual(rising(inbox.received), []);
  await inbox.close();
});

test("after an outage longer than the window the client begins anew, and the next outage loses nothing", async (t) => {
  const brief = await DemoServer.started({ settings: ["websocket.recovery_timeout=3s"] });
  const way = await new Proxy(brief.url).open();
  const client = await logIn(brief, { url: way.url });
  const office = new Own(brief, (await me(client)).account);
  const inbox = await Inbox.open(client);
  const { id } = inbox;
  assert.equal(inbox.extension.connectionDetails.recoveryTimeout, 3);
  await pause(2_000); // the client must not hold a fresh socket token, or its own library ends it
  const failed = once(inbox.extension.eventEmitter, "autoRecoverFailed", 40_000);
  way.refuses = true;
  way.cut();
  await pause(6_000); // the outage
  way.refuses = false;
  await failed;
  assert.notEqual(inbox.id, id);

  const log = await Log.follow(office);
  const ingest = new Ingest(office, colleagues, 10);
  await more(ingest, 30);
  way.freeze();
  await more(ingest, 30);
  const back = recovered(inbox);
  way.dropFrozenClients();
  await back;
  await ingest.stop();
  t.diagnostic(`${await assertComplete(inbox, log)} events over the second outage`);
  await inbox.close();
  way.close();
  await brief.end();
});

test("the client lives through kill -9 and restart of the server, three times, and loses nothing", async (t) => {
  const inbox = await Inbox.open(sdk);
  const log = await Log.follow(own);
  const ingest = new Ingest(own, colleagues, 5);
  let down = 0;
  for (let turn = 0; turn < 3; turn += 1) {
    await more(ingest, 60);
    const back = recovered(inbox);
    await server.kill();
    const since = Date.now();
    if (turn === 1) await pause(3_000); // longer than the announced life of a socket token
    await server.start();
    down += Date.now() - since;
    await back;
    assert.equal(inbox.extension.connectionDetails.recoveryState, "Successful");
  }
  await more(ingest, 30);
  const changes = await ingest.stop();
  const count = await assertComplete(inbox, log);
  assert.ok(count >= changes, `${count} events for ${changes} acknowledged changes`);
  t.diagnostic(`3 kills, ${down} ms down, ${changes} acknowledged changes, ${count} events, none lost, none twice`);
  assert.equal((await sdk.platform().get(accountFilter)).status, 200);
  await inbox.close();
});
