// @rc-ex/core, @rc-ex/ws and @rc-ex/rcsdk in their newest published versions.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import RingCentral from "@rc-ex/core";
import RcSdkExtension from "@rc-ex/rcsdk";
import WebSocketExtension, { Events } from "@rc-ex/ws";

import { lost, repeated, rising, shapeOf } from "../stage/history.js";
import { Ingest, Log, Own } from "../stage/own.js";
import { Proxy } from "../stage/proxy.js";
import { accountFilter, logIn } from "../stage/sdk.js";
import { DemoServer } from "../stage/server.js";
import { once, until } from "../stage/waiting.js";

let server, rc, own, mine;

before(async () => {
  server = await DemoServer.started();
  rc = await logInExtensible(server.url);
  const extension = await rc.restapi().account().extension().get();
  mine = String(extension.id);
  own = new Own(server, extension.account.id);
});
after(async () => {
  await rc.revoke();
  await server.end();
});

async function logInExtensible(url) {
  const client = new RingCentral({ server: url, clientId: server.env.RC_CLIENT_ID, clientSecret: server.env.RC_CLIENT_SECRET });
  await client.authorize({ jwt: server.env.RC_JWT });
  return client;
}

test("typed paths read and write presence, and errors are RestExceptions", async () => {
  const presence = rc.restapi().account().extension().presence();
  assert.deepEqual((await presence.get({ detailedTelephonyState: true })).activeCalls, []);
  assert.equal((await presence.put({ userStatus: "Busy" })).presenceStatus, "Busy");
  assert.equal((await presence.put({ userStatus: "Available" })).presenceStatus, "Available");
  const all = await rc.restapi().account().presence().get({ perPage: 1000 });
  assert.equal(all.records.length, all.paging.totalElements);
  const error = await rc.restapi().account().extension("999999999999").presence().get().catch((error) => error);
  assert.equal(error.constructor.name, "RestException");
  assert.deepEqual([error.response.status, error.response.data.errorCode], [404, "CMN-102"]);
});

test("refreshes its token and works on with the new one", async () => {
  const client = await logInExtensible(server.url);
  const before = client.token.access_token;
  await client.refresh();
  assert.notEqual(client.token.access_token, before);
  assert.equal(String((await client.restapi().account().extension().get()).id), mine);
  await client.revoke();
  assert.equal(client.token, undefined);
});

test("password log-in through the token endpoint", async () => {
  const { LAMPFIELD_USERNAME: username, LAMPFIELD_EXTENSION: extension, LAMPFIELD_PASSWORD: password } = server.env;
  const client = new RingCentral({ server: server.url, clientId: server.env.RC_CLIENT_ID, clientSecret: server.env.RC_CLIENT_SECRET });
  await client.getToken({ grant_type: "password", username, extension, password });
  assert.equal(String((await client.restapi().account().extension().get()).id), mine);
  await client.revoke();
});

test("every REST call goes through the socket too", async () => {
  const client = await logInExtensible(server.url);
  const socket = new WebSocketExtension({ restOverWebSocket: true, autoRecover: { enabled: false } });
  await client.installExtension(socket);
  const sent = [];
  const { send } = socket.ws;
  socket.ws.send = (text) => (sent.push(JSON.parse(text)[0]), send(text));
  const presence = client.restapi().account().extension().presence();
  assert.deepEqual((await presence.get({ detailedTelephonyState: true })).activeCalls, []);
  assert.equal((await presence.put({ userStatus: "Busy" })).userStatus, "Busy");
  await presence.put({ userStatus: "Available" });
  const page = await client.get(accountFilter, { detailedTelephonyState: true, perPage: 1 });
  assert.equal(page.data.records.length, 1);
  assert.equal(page.status, 200);
  const missing = await client.get("/restapi/v1.0/account/~/extension/999999999999/presence").catch((error) => error);
  assert.deepEqual([missing.constructor.name, missing.response.status], ["RestException", 404]);
  const wrong = await presence.put({ userStatus: "Dozing" }).catch((error) => error);
  assert.deepEqual([wrong.response.status, wrong.response.data.errors[0].parameterName], [400, "userStatus"]);
  const none = await client.get("/restapi/v1.0/account/~/no-such-thing").catch((error) => error);
  assert.ok([404, 501].includes(none.response.status));
  assert.ok(sent.length >= 7);
  await client.revoke();
});

test("subscribes, renews, subscribes anew on a lost id, and ends", async () => {
  const client = await logInExtensible(server.url);
  const socket = new WebSocketExtension();
  await client.installExtension(socket);
  const received = [];
  const subscription = await socket.subscribe([accountFilter], (envelope) => received.push(envelope));
  const first = subscription.subscriptionInfo;
  assert.match(first.uri, /^\/restapi\/v1\.0\/subscription\//);
  await own.call(mine, "rc-ex", "CallConnected");
  await until(() => received.length === 1, 5_000, "the event");
  assert.deepEqual(received.flatMap(shapeOf), []);
  await subscription.refresh();
  assert.equal(subscription.subscriptionInfo.id, first.id);
  await client.request("DELETE", `/restapi/v1.0/subscription/${first.id}`);
  await subscription.refresh();
  assert.notEqual(subscription.subscriptionInfo.id, first.id);
  await own.call(mine, "rc-ex", "NoCall");
  await until(() => received.length === 2, 5_000, "the event of the new subscription");
  await client.revoke();
});

test("a page that comes back with its recovery token goes on where it was", async () => {
  const client = await logInExtensible(server.url);
  const before = new WebSocketExtension({ autoRecover: { enabled: false } });
  await client.installExtension(before);
  const received = [];
  const subscription = await before.subscribe([accountFilter], (envelope) => received.push(envelope));
  await own.call(mine, "reload", "Ringing");
  await until(() => received.length === 1, 5_000, "the event before");
  const { wsc } = before;
  before.ws.close();
  const log = await Log.follow(own);
  await own.call(mine, "reload", "CallConnected");
  await own.call(mine, "reload", "NoCall");
  const page = new RingCentral({ server: server.url });
  page.token = client.token;
  const back = new WebSocketExtension({ wscToken: wsc.token, autoRecover: { enabled: false } });
  await page.installExtension(back);
  assert.equal(back.connectionDetails.recoveryState, "Successful");
  const again = [];
  await back.subscribe([accountFilter], (envelope) => again.push(envelope), subscription.subscriptionInfo);
  const committed = await log.committed();
  await until(() => again.length >= committed.length, 5_000, () => JSON.stringify(again));
  assert.deepEqual(lost(again, committed), []);
  await back.revoke();
});

test("recovers after a cut without loss or repeat, over the newest versions too", async () => {
  const proxy = await new Proxy(server.url).open();
  const client = await logInExtensible(proxy.url);
  const socket = new WebSocketExtension();
  await client.installExtension(socket);
  const received = [];
  await socket.subscribe([accountFilter], (envelope) => received.push(envelope));
  const log = await Log.follow(own);
  const ingest = new Ingest(own, [mine], 5);
  await until(() => received.length > 20, 10_000, "events");
  const back = once(socket.eventEmitter, Events.autoRecoverSuccess, 30_000);
  proxy.cut();
  await back;
  await ingest.stop();
  const committed = await log.committed();
  await until(() => received.at(-1).body.sequence >= committed.at(-1).body.sequence, 10_000, "the last event");
  for (const found of [lost(received, committed), repeated(received), rising(received)]) assert.deepEqual(found, []);
  await client.revoke();
  proxy.close();
});

test("@rc-ex/rcsdk routes the calls of @rc-ex/core through @ringcentral/sdk", async () => {
  const sdk = await logIn(server);
  const client = new RingCentral();
  await client.installExtension(new RcSdkExtension({ rcSdk: sdk }));
  const presence = client.restapi().account().extension().presence();
  assert.equal((await presence.get()).userStatus, "Available");
  assert.equal((await presence.put({ dndStatus: "DoNotAcceptAnyCalls" })).dndStatus, "DoNotAcceptAnyCalls");
  assert.equal((await presence.put({ dndStatus: "TakeAllCalls" })).dndStatus, "TakeAllCalls");
  const data = await sdk.platform().auth().data();
  await sdk.platform().auth().setData({ ...data, access_token: "rejected" });
  assert.equal((await presence.get()).userStatus, "Available");
  await sdk.platform().logout();
});
