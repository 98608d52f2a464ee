// Lampfield's own API, as far as the tests need it: report calls, read the log.

import { seedFields } from "./history.js";
import { pause, until } from "./waiting.js";

/** Talks to the own API with the administrator's key. */
export class Own {
  constructor(server, account) {
    this.server = server;
    this.base = `/lampfield/v1/accounts/${account}`;
  }

  async request(method, path, body) {
    const answer = await fetch(`${this.server.url}${this.base}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.server.env.LAMPFIELD_ADMIN_TOKEN}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  call(extension, id, telephonyStatus, more = {}) {
    const call = { telephonyStatus, direction: "Inbound", from: "+12025550100", to: "101", ...more };
    return this.request("PUT", `/sources/clients-test/extensions/${extension}/calls/${id}`, call);
  }

  settings(extension, settings) {
    return this.request("PUT", `/extensions/${extension}/presence`, settings);
  }

  snapshot() {
    return this.request("GET", "/snapshot");
  }
}

/**
 * The account's log, followed live from now on: a reader that lags far behind may be given only the newest
 * event of each extension, so the log is read while it grows. Its offsets prove that none is missing.
 */
export class Log {
  #abort = new AbortController();
  #committed = [];

  static async follow(own) {
    const log = new Log();
    log.own = own;
    log.last = log.start = (await own.snapshot()).position;
    log.done = log.#run();
    return log;
  }

  async #run() {
    while (!this.#abort.signal.aborted) {
      try {
        await this.#read();
      } catch (error) {
        if (error instanceof Broken) this.broken = error;
      }
      await pause(20);
    }
  }

  async #read() {
    const { server, base } = this.own;
    const answer = await fetch(`${server.url}${base}/stream?detail=detailed`, {
      headers: { authorization: `Bearer ${server.env.LAMPFIELD_ADMIN_TOKEN}`, "last-event-id": this.last },
      signal: this.#abort.signal,
    });
    if (!answer.ok) throw new Broken(`stream: ${answer.status} ${await answer.text()}`);
    for await (const { event, id, data } of eventsOf(answer.body)) {
      if (event === "reset") throw new Broken(`the log was trimmed: ${data}`);
      if (event !== "presence") continue;
      if (offsetOf(id) !== offsetOf(this.last) + 1) throw new Broken(`${this.last} is followed by ${id}`);
      this.last = id;
      this.#committed.push(JSON.parse(data));
    }
  }

  /** Stops following and returns what a plain subscriber must have been told since then, in order. */
  async committed() {
    const { position } = await this.own.snapshot();
    const arrived = () => {
      if (this.broken) throw this.broken;
      return offsetOf(this.last) >= offsetOf(position);
    };
    try {
      await until(arrived, 20_000, () => `log at ${this.last} of ${position}`);
    } finally {
      this.#abort.abort();
      await this.done;
    }
    return this.#committed.filter(({ lampfield }) => lampfield.changes.some((name) => seedFields.includes(name)));
  }
}

class Broken extends Error {}

/** Yields the events of a server-sent event stream. */
async function* eventsOf(body) {
  let text = "";
  for await (const bytes of body.pipeThrough(new TextDecoderStream())) {
    text += bytes;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const pairs = block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trimStart()]);
      yield Object.fromEntries(pairs);
    }
  }
}

/** Lets calls of a few extensions go through their lives, one after another, until told to stop. */
export class Ingest {
  static #count = 0;
  #name = `calls-${(Ingest.#count += 1)}`;
  #running = true;
  /** Changes that were acknowledged as such; each shows in the plain event. */
  changes = 0;
  failures = [];

  constructor(own, extensions, pauseMilliseconds = 0) {
    this.done = Promise.all(extensions.map((extension) => this.#run(own, extension, pauseMilliseconds)));
  }

  async #run(own, extension, pauseMilliseconds) {
    const steps = ["Ringing", "CallConnected", "OnHold", "CallConnected", "NoCall"];
    for (let turn = 0; this.#running || turn % steps.length !== 0; ) {
      try {
        const id = `${this.#name}-${Math.floor(turn / steps.length)}`;
        const { changed } = await own.call(extension, id, steps[turn % steps.length]);
        if (changed) this.changes += 1;
        turn += 1;
      } catch (error) {
        this.failures.push(error);
        await pause(50);
      }
      if (pauseMilliseconds) await pause(pauseMilliseconds);
    }
  }

  /** Lets the present calls end and returns how many changes were acknowledged. */
  async stop() {
    this.#running = false;
    await this.done;
    return this.changes;
  }
}

const offsetOf = (position) => Number(String(position).split("-").pop());
