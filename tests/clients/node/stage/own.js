// Lampfield's own API, as far as the tests need it: report calls, read the log.

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

  /** Reads every envelope committed after `position`, in order. */
  async committedAfter(position) {
    const end = offsetOf((await this.snapshot()).position);
    if (offsetOf(position) >= end) return [];
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error("the stream stalled")), 20_000);
    try {
      const answer = await fetch(`${this.server.url}${this.base}/stream?after=${position}`, {
        headers: { authorization: `Bearer ${this.server.env.LAMPFIELD_ADMIN_TOKEN}` },
        signal: abort.signal,
      });
      if (!answer.ok) throw new Error(`stream: ${answer.status} ${await answer.text()}`);
      return await readStream(answer.body, end);
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }
}

async function readStream(body, end) {
  const envelopes = [];
  let text = "";
  for await (const bytes of body.pipeThrough(new TextDecoderStream())) {
    text += bytes;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const lines = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trimStart()]));
      if (lines.event === "reset") throw new Error(`the log was trimmed: ${lines.data}`);
      if (lines.event !== "presence") continue;
      envelopes.push(JSON.parse(lines.data));
      if (offsetOf(lines.id) >= end) return envelopes;
    }
  }
  throw new Error(`the stream ended after ${envelopes.length} events`);
}

const offsetOf = (position) => Number(String(position).split("-").pop());

/** Changes presence of a few extensions again and again until told to stop. */
export class Ingest {
  #running = true;
  changes = 0;
  failures = [];

  constructor(own, extensions, pauseMilliseconds = 0) {
    this.done = Promise.all(extensions.map((extension) => this.#run(own, extension, pauseMilliseconds)));
  }

  async #run(own, extension, pauseMilliseconds) {
    const steps = ["Ringing", "CallConnected", "OnHold", "CallConnected", "NoCall"];
    for (let turn = 0; this.#running; turn += 1) {
      try {
        await own.call(extension, `loop-${Math.floor(turn / steps.length)}`, steps[turn % steps.length]);
        this.changes += 1;
      } catch (error) {
        this.failures.push(error);
        await new Promise((done) => setTimeout(done, 50));
      }
      if (pauseMilliseconds) await new Promise((done) => setTimeout(done, pauseMilliseconds));
    }
  }

  async stop() {
    this.#running = false;
    await this.done;
    return this.changes;
  }
}
