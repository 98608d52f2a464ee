// The published @ringcentral/sdk and @ringcentral/subscriptions, unmodified, pointed at a server.

import { randomUUID } from "node:crypto";

import { SDK } from "@ringcentral/sdk";
import { Subscriptions } from "@ringcentral/subscriptions";

import { until } from "./waiting.js";

export const accountFilter = "/restapi/v1.0/account/~/presence";

/** Makes an SDK with a cache of its own: by default all SDKs of a process share one log-in. */
export function newSdk(server, url = server.url) {
  const { RC_CLIENT_ID: clientId, RC_CLIENT_SECRET: clientSecret } = server.env;
  return new SDK({ server: url, clientId, clientSecret, cachePrefix: randomUUID() });
}

/** Logs in with a JWT credential: the demo's user unless another is given. */
export async function logIn(server, { url, jwt = server.env.RC_JWT } = {}) {
  const sdk = newSdk(server, url);
  await sdk.platform().login({ jwt });
  return sdk;
}

/** Returns the ids of the logged-in user. */
export async function me(sdk) {
  const extension = await (await sdk.platform().get("/restapi/v1.0/account/~/extension/~")).json();
  return { account: String(extension.account.id), extension: String(extension.id) };
}

/** A live WebSocket subscription of the SDK and everything it delivered. */
export class Inbox {
  received = [];
  frames = [];

  static async open(sdk, filters = [accountFilter]) {
    const inbox = new Inbox();
    const subscriptions = new Subscriptions({ sdk });
    const subscription = subscriptions.createSubscription().setEventFilters(filters);
    subscription.on(subscription.events.notification, (envelope) => inbox.received.push(envelope));
    try {
      inbox.live = await subscription.register();
    } finally {
      inbox.extension = subscriptions.rc.sdkExtensions.at(-1);
      if (!inbox.live) await inbox.extension.revoke();
    }
    return inbox;
  }

  get id() {
    return this.live.subscriptionInfo.id;
  }

  /** From now on also keeps the raw frames of the present socket, whatever the SDK makes of them. */
  tap() {
    this.extension.ws.addEventListener("message", (event) => this.frames.push(JSON.parse(event.data)));
  }

  /** Waits for the first event that fits. */
  async event(fits, milliseconds = 5_000) {
    await until(() => this.received.some(fits), milliseconds, () => `event; got ${JSON.stringify(this.received.slice(-3))}`);
    return this.received.find(fits);
  }

  async reaches(sequence, milliseconds) {
    const last = () => this.received.at(-1)?.body.sequence ?? 0;
    await until(() => last() >= sequence, milliseconds, () => `sequence ${sequence}; at ${last()}`);
  }

  /** Deletes the subscription and closes the socket. */
  async close() {
    await this.extension.revoke();
  }
}
