// ringcentral 3.3.0, the legacy client: password log-in, REST, webhooks. Its own subscriptions need a
// third party's push service, which no self-hosted server can be; they are refused in a clear way.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import http from "node:http";
import test, { after, before } from "node:test";

import Legacy from "ringcentral";

import { Own } from "../stage/own.js";
import { DemoServer } from "../stage/server.js";
import { until } from "../stage/waiting.js";

let server, sdk, platform;

before(async () => {
  server = await DemoServer.started();
  sdk = newLegacy();
  platform = sdk.platform();
  const { LAMPFIELD_USERNAME: username, LAMPFIELD_EXTENSION: extension, LAMPFIELD_PASSWORD: password } = server.env;
  await platform.login({ username, extension, password });
});
after(() => server.end());

/** Makes a client with a cache of its own: by default all of a process share one log-in. */
function newLegacy() {
  const { RC_CLIENT_ID: appKey, RC_CLIENT_SECRET: appSecret } = server.env;
  return new Legacy({ server: server.url, appKey, appSecret, cachePrefix: randomUUID() });
}

const refused = (call) => call.then(() => assert.fail("was not refused"), (error) => error);

test("logs in with each spelling of the extension", async () => {
  const { LAMPFIELD_USERNAME: username, LAMPFIELD_EXTENSION: extension, LAMPFIELD_PASSWORD: password } = server.env;
  for (const login of [{ username: `${username}*${extension}`, password }, { username, extension, password }, { username: `${username}*${extension}`, extension: "", password }]) {
    const other = newLegacy();
    await other.platform().login(login);
    const self = (await other.platform().get("/account/~/extension/~")).json();
    assert.equal(self.extensionNumber, extension);
    await other.platform().logout();
  }
  const other = newLegacy();
  const error = await refused(other.platform().login({ username, extension, password: "wrong" }));
  assert.equal(error.apiResponse.response().status, 400);
});

test("reads and writes presence, refreshes, and reports errors by their message", async () => {
  assert.equal((await platform.get("/account/~/extension/~/presence")).json().userStatus, "Available");
  assert.equal((await platform.put("/account/~/extension/~/presence", { userStatus: "Busy" })).json().presenceStatus, "Busy");
  await platform.refresh();
  assert.equal((await platform.put("/account/~/extension/~/presence", { userStatus: "Available" })).json().presenceStatus, "Available");
  assert.ok((await platform.get("/account/~/presence", { perPage: 5 })).json().records.length === 5);
  const error = await refused(platform.put("/account/~/extension/~/presence", { userStatus: "Dozing" }));
  assert.match(error.message, /Parameter \[userStatus\] value is invalid/);
});

test("a rejected token is refreshed although the client asks for a garbage lifetime", async () => {
  const data = platform.auth().data();
  platform.auth().setData({ ...data, access_token: "rejected" });
  assert.equal((await platform.get("/account/~/extension/~/presence")).json().userStatus, "Available");
  assert.ok(Number(platform.auth().data().expires_in) >= 600);
});

test("its push subscription is refused with the parameter's name", async () => {
  const subscription = sdk.createSubscription().setEventFilters(["/account/~/presence"]);
  const error = await refused(subscription.register());
  assert.equal(error.apiResponse.response().status, 400);
  assert.equal(error.apiResponse.json().errors[0].parameterName, "deliveryMode.transportType");
});

test("its webhook subscription works with a plain node:http receiver", async () => {
  const received = [];
  const receiver = http.createServer((request, response) => {
    const token = request.headers["validation-token"];
    if (token) response.setHeader("Validation-Token", token);
    let text = "";
    request.on("data", (bytes) => (text += bytes));
    request.on("end", () => {
      if (!token) received.push(JSON.parse(text));
      response.end();
    });
  });
  await new Promise((done) => receiver.listen(0, "127.0.0.1", done));
  const deliveryMode = { transportType: "WebHook", address: `http://127.0.0.1:${receiver.address().port}/` };
  const info = (await platform.post("/subscription", { eventFilters: ["/account/~/presence"], deliveryMode })).json();
  const self = (await platform.get("/account/~/extension/~")).json();
  await new Own(server, self.account.id).call(self.id, "legacy", "Ringing");
  await until(() => received.length === 1, 5_000, "the event");
  assert.equal(received[0].body.telephonyStatus, "Ringing");
  await platform.delete(`/subscription/${info.id}`);
  receiver.closeAllConnections();
  receiver.close();
});
