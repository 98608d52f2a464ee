// Runs the compiled program as a user would: `lampfield demo`, a folder, an environment file.

import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { until } from "./waiting.js";

const root = resolve(fileURLToPath(import.meta.url), "../../../../..");
const binary = process.env.LAMPFIELD_BIN ?? join(root, "target/debug/lampfield");
const readyWithin = 60_000;
/** The environment without what configures a server or a client of one. */
const cleanEnvironment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(LAMPFIELD|RC)_/.test(name)));

/** One demo server; keeps its address, and with `data` its state, over any number of restarts. */
export class DemoServer {
  constructor({ data = false, calls = false, seed = 7, settings = [] } = {}) {
    if (!existsSync(binary)) throw new Error(`${binary} does not exist; run: cargo build -p lampfield`);
    this.folder = mkdtempSync(join(tmpdir(), "lampfield-clients-"));
    this.envFile = join(this.folder, "demo.env");
    this.log = join(this.folder, "server.log");
    this.listen = "127.0.0.1:0";
    this.options = ["--seed", String(seed)];
    if (!calls) this.options.push("--calls", "off");
    for (const setting of settings) this.options.push("--set", setting);
    if (data) this.options.push("--data", join(this.folder, "data"));
  }

  static async started(options) {
    return new DemoServer(options).start();
  }

  async start() {
    rmSync(this.envFile, { force: true });
    const log = openSync(this.log, "a");
    const words = ["demo", "--listen", this.listen, "--env-file", this.envFile, ...this.options];
    this.process = spawn(binary, words, { stdio: ["ignore", log, log], env: cleanEnvironment });
    closeSync(log);
    this.exited = new Promise((done) => this.process.once("exit", (code, signal) => done(signal ?? code)));
    await until(() => this.#isReady(), readyWithin, () => `server ready\n${this.tail()}`);
    this.listen = new URL(this.url).host;
    return this;
  }

  #isReady() {
    if (this.process.exitCode !== null) throw new Error(`the server ended\n${this.tail()}`);
    if (!existsSync(this.envFile)) return false;
    const env = readEnvironment(readFileSync(this.envFile, "utf8"));
    if (!env.RC_SERVER_URL || !env.LAMPFIELD_ADMIN_TOKEN) return false;
    this.env = env;
    return true;
  }

  get url() {
    return this.env.RC_SERVER_URL;
  }

  get isAlive() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  async kill() {
    this.process.kill("SIGKILL");
    return this.exited;
  }

  /** Ends the server gracefully, removes its folder, and returns its exit code. */
  async end() {
    this.process.kill("SIGTERM");
    const late = new Promise((done) => setTimeout(done, 15_000, "late").unref());
    const outcome = await Promise.race([this.exited, late]);
    if (outcome === "late") await this.kill();
    const said = this.tail();
    rmSync(this.folder, { recursive: true, force: true });
    if (outcome !== 0) throw new Error(`the server ended with ${outcome}\n${said}`);
    return outcome;
  }

  tail(lines = 30) {
    if (!existsSync(this.log)) return "(no log)";
    return readFileSync(this.log, "utf8").trimEnd().split("\n").slice(-lines).map((line) => `    | ${line}`).join("\n");
  }
}

/** Reads `NAME=value` lines, with or without `export` and quotes. */
function readEnvironment(text) {
  const pairs = text.matchAll(/^(?:export\s+)?([A-Z_]+)=(?:'([^']*)'|"([^"]*)"|(\S*))\s*$/gm);
  return Object.fromEntries([...pairs].map(([, name, single, double, bare]) => [name, single ?? double ?? bare]));
}
