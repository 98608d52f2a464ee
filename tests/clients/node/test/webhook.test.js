// A webhook receiver as RingCentral's guide writes it, with express.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import express from "express";

import { invented, lost, repeated, rising, shapeOf } from "../stage/history.js";
import { Log, Own } from "../stage/own.js";
import { accountFilter, logIn, me } from "../stage/sdk.js";
import { DemoServer } from "../stage/server.js";
import { pause, until } from "../stage/waiting.js";

let server, sdk, platform, own, mine;

before(async () => {
  server = await DemoServer.started();
  sdk = await logIn(server);
  platform = sdk.platform();
  mine = await me(sdk);
  own = new Own(server, mine.account);
});
after(() => server.end());

/** An application's receiver: echoes the validation token, keeps events. */
class Application {
  received = [];
  handshakes = [];

  static async open(answer) {
    const application = new Application();
    const app = express();
    app.use(express.json());
    app.post("/webhook", (request, response) => {
      const token = request.get("Validation-Token");
      if (token) {
        application.handshakes.push({ token, body: request.body, headers: request.headers });
        if (answer) return answer(request, response);
        response.set("Validation-Token", token);
        return response.status(200).type("application/json").end();
      }
      application.received.push({ envelope: request.body, headers: request.headers });
      return response.status(200).end();
    });
    application.http = await new Promise((done) => {
      const http = app.listen(0, "127.0.0.1", () => done(http));
    });
    return application;
  }

  get address() {
    return `http://127.0.0.1:${this.http.address().port}/webhook`;
  }

  get envelopes() {
    return this.received.map(({ envelope }) => envelope);
  }

  close() {
    this.http.closeAllConnections();
    this.http.close();
  }
}

const subscribe = async (application, more = {}, eventFilters = [accountFilter]) => {
  const deliveryMode = { transportType: "WebHook", address: application.address, verificationToken: "d0ntt3ll" };
  return (await platform.post("/restapi/v1.0/subscription", { eventFilters, deliveryMode, ...more })).json();
};

test("shakes hands, delivers events with the verification token, renews, and ends with the delete", async () => {
  const application = await Application.open();
  const info = await subscribe(application, { expiresIn: 3600 });
  assert.equal(application.handshakes.length, 1);
  assert.equal(info.status, "Active");
  assert.equal(info.deliveryMode.address, application.address);
  assert.equal(info.deliveryMode.verificationToken, undefined);
  assert.ok(info.expiresIn > 3590 && info.expiresIn <= 3600);
  const log = await Log.follow(own);

  await platform.put("/restapi/v1.0/account/~/extension/~/presence", { dndStatus: "DoNotAcceptAnyCalls" });
  await platform.put("/restapi/v1.0/account/~/extension/~/presence", { dndStatus: "TakeAllCalls" });
  for (const status of ["Ringing", "CallConnected", "OnHold", "CallConnected", "NoCall"]) await own.call(mine.extension, "hook", status);
  const committed = await log.committed();
  await until(() => application.received.length >= 7, 5_000, () => JSON.stringify(application.envelopes));
  const { envelopes } = application;
  assert.deepEqual(lost(envelopes, committed), []);
  assert.deepEqual(invented(envelopes, committed), []);
  assert.deepEqual(repeated(envelopes), []);
  assert.deepEqual(rising(envelopes), []);
  assert.deepEqual(envelopes.flatMap(shapeOf), []);
  for (const { envelope, headers } of application.received) {
    assert.equal(headers["verification-token"], "d0ntt3ll");
    assert.equal(headers["validation-token"], undefined);
    assert.match(headers["content-type"], /^application\/json/);
    assert.equal(envelope.subscriptionId, info.id);
    assert.equal(envelope.ownerId, mine.extension);
  }

  const renewed = await (await platform.post(`/restapi/v1.0/subscription/${info.id}/renew`)).json();
  assert.equal(renewed.id, info.id);
  assert.ok(Date.parse(renewed.expirationTime) >= Date.parse(info.expirationTime));
  const gone = await platform.delete(`/restapi/v1.0/subscription/${info.id}`);
  assert.equal(gone.status, 204);
  await own.call(mine.extension, "after", "Ringing");
  await own.call(mine.extension, "after", "NoCall");
  await pause(500);
  assert.equal(application.received.length, 7);
  application.close();
});

test("the filters can be changed while the address stays", async () => {
  const application = await Application.open();
  const info = await subscribe(application, {}, ["/restapi/v1.0/account/~/extension/~/presence"]);
  const detailed = "/restapi/v1.0/account/~/extension/~/presence?detailedTelephonyState=true&sipData=true";
  const updated = await (await platform.put(`/restapi/v1.0/subscription/${info.id}`, { eventFilters: [detailed] })).json();
  assert.equal(updated.deliveryMode.address, application.address);
  await own.call(mine.extension, "detail", "Ringing", { fromName: "A Caller" });
  await until(() => application.received.length === 1, 5_000, "the detailed event");
  const { envelope } = application.received[0];
  assert.match(envelope.event, /\/presence\?detailedTelephonyState=true&sipData=true$/);
  assert.equal(envelope.body.totalActiveCalls, 1);
  const [call] = envelope.body.activeCalls;
  assert.deepEqual([call.telephonyStatus, call.direction, call.from, call.fromName], ["Ringing", "Inbound", "+12025550100", "A Caller"]);
  await own.call(mine.extension, "detail", "NoCall");
  await until(() => application.received.length === 2, 5_000, "the end of the call");
  const [ended] = application.received[1].envelope.body.activeCalls;
  assert.deepEqual([ended.telephonyStatus, ended.terminationType], ["NoCall", "final"]);
  await platform.delete(`/restapi/v1.0/subscription/${info.id}`);
  application.close();
});

test("a receiver that fails the handshake is refused by the documented code", async () => {
  const cases = [
    ["SUB-520", (_, response) => response.status(200).end()],
    ["SUB-520", (_, response) => response.set("Validation-Token", "another").status(200).end()],
    ["SUB-525", (request, response) => response.set("Validation-Token", request.get("Validation-Token")).status(404).end()],
    ["SUB-525", (request, response) => response.set("Validation-Token", request.get("Validation-Token")).send("x".repeat(4096))],
    ["SUB-521", () => {}],
  ];
  for (const [code, answer] of cases) {
    const application = await Application.open(answer);
    const error = await subscribe(application).then(() => assert.fail(`${code} expected`), (error) => error);
    const body = await error.response.json();
    assert.deepEqual([error.response.status, body.errorCode], [400, code], `${code}: ${JSON.stringify(body)}`);
    application.close();
  }
  const { records } = await (await platform.get("/restapi/v1.0/subscription")).json();
  assert.deepEqual(records, []);
});

test("a slow receiver delays itself and nobody else", async () => {
  const quick = await Application.open();
  const slow = await Application.open();
  slow.http.removeAllListeners("request");
  let asked = 0;
  slow.http.on("request", (request, response) => {
    const token = request.headers["validation-token"];
    if (token) return response.writeHead(200, { "validation-token": token }).end();
    asked += 1;
    return request.resume(); // never answers
  });
  const infos = [await subscribe(slow), await subscribe(quick)];
  const begun = Date.now();
  await own.call(mine.extension, "slow", "Ringing");
  await own.call(mine.extension, "slow", "NoCall");
  await until(() => quick.received.length === 2, 2_000, "the quick receiver is served");
  assert.ok(Date.now() - begun < 2_000);
  await until(() => asked >= 2, 15_000, "the slow one is asked again");
  for (const { id } of infos) await platform.delete(`/restapi/v1.0/subscription/${id}`);
  quick.close();
  slow.close();
});
