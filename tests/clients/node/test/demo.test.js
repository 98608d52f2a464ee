// The demo office as a developer meets it: it lives by itself, and the SDK shows it.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import test, { after, before } from "node:test";

import { repeated, rising, shapeOf } from "../stage/history.js";
import { accountFilter, Inbox, logIn, me } from "../stage/sdk.js";
import { DemoServer } from "../stage/server.js";
import { until } from "../stage/waiting.js";

let server, sdk;

before(async () => {
  server = await DemoServer.started({ calls: true });
  sdk = await logIn(server);
});
after(() => server.end());

test("the environment file has every name and is readable by its owner only", () => {
  const names = [
    "RC_SERVER_URL", "RC_CLIENT_ID", "RC_CLIENT_SECRET", "RC_JWT", "LAMPFIELD_USERNAME", "LAMPFIELD_EXTENSION",
    "LAMPFIELD_PASSWORD", "LAMPFIELD_OTHER_JWT", "LAMPFIELD_STRANGER_JWT", "LAMPFIELD_ADMIN_TOKEN",
  ];
  assert.deepEqual(names.filter((name) => !server.env[name]), []);
  assert.equal(statSync(server.envFile).mode & 0o777, 0o600);
});

test("people call by themselves, the SDK hears of it, and the user's own presence is left alone", async (t) => {
  const mine = await me(sdk);
  const other = await me(await logIn(server, { jwt: server.env.LAMPFIELD_OTHER_JWT }));
  const inbox = await Inbox.open(sdk);
  await until(() => inbox.received.length >= 8, 60_000, () => `eight events; got ${inbox.received.length}`);
  assert.deepEqual(inbox.received.flatMap(shapeOf), []);
  assert.deepEqual(rising(inbox.received), []);
  assert.deepEqual(repeated(inbox.received), []);
  const touched = new Set(inbox.received.map((envelope) => envelope.body.extensionId));
  assert.ok(touched.size >= 2);
  assert.ok(!touched.has(mine.extension) && !touched.has(other.extension));
  t.diagnostic(`${inbox.received.length} events of ${touched.size} extensions`);

  const { records } = await (await sdk.platform().get(accountFilter, { perPage: 1000 })).json();
  const newest = inbox.received.at(-1).body;
  const shown = records.find((record) => String(record.extension.id) === newest.extensionId);
  assert.ok(shown, "the snapshot has the extension of the event");
  await inbox.close();
});

test("a person of another account hears nothing of it", async () => {
  const stranger = await logIn(server, { jwt: server.env.LAMPFIELD_STRANGER_JWT });
  const theirs = await Inbox.open(stranger);
  const ours = await Inbox.open(sdk);
  await until(() => ours.received.length >= 4, 60_000, "four events of our account");
  assert.deepEqual(theirs.received, []);
  const { records } = await (await stranger.platform().get(accountFilter, { perPage: 1000 })).json();
  const ids = new Set(records.map((record) => String(record.extension.id)));
  assert.ok(ours.received.every((envelope) => !ids.has(envelope.body.extensionId)));
  await ours.close();
  await theirs.close();
});
