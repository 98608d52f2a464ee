// A TCP proxy that can cut connections, noticed or not.

import net from "node:net";

export class Proxy {
  #server = net.createServer((client) => this.#join(client));
  #pairs = new Set();
  /** While true, new connections are cut at once. */
  refuses = false;

  constructor(target) {
    this.target = new URL(target);
  }

  async open() {
    await new Promise((done) => this.#server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  #join(client) {
    if (this.refuses) {
      client.destroy();
      return;
    }
    const server = net.connect(Number(this.target.port), this.target.hostname);
    const pair = { client, server, frozen: false };
    this.#pairs.add(pair);
    for (const [from, to] of [[client, server], [server, client]]) {
      from.setNoDelay(true);
      from.on("data", (bytes) => pair.frozen || to.write(bytes));
      from.on("end", () => pair.frozen || to.end());
      from.on("error", () => {});
      from.on("close", () => {
        if (!pair.frozen) to.destroy();
        if (client.destroyed && server.destroyed) this.#pairs.delete(pair);
      });
    }
  }

  /** Cuts every connection on both sides: both notice at once. */
  cut() {
    for (const pair of this.#pairs) {
      pair.client.destroy();
      pair.server.destroy();
    }
  }

  /** From now on nothing passes, and neither side notices: what the server writes is lost. */
  freeze() {
    for (const pair of this.#pairs) pair.frozen = true;
  }

  /** Lets the clients of frozen connections notice; the server still believes in its side. */
  dropFrozenClients() {
    for (const pair of this.#pairs) if (pair.frozen) pair.client.destroy();
  }

  close() {
    this.cut();
    this.#server.close();
  }
}
