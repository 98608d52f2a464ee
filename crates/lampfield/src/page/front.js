"use strict";
// Shows the presence of one account from its event stream. The token stands in the fragment of the
// address, which browsers never send; it travels in a header only.

const state = document.getElementById("state");
const table = document.getElementById("people");
const rows = new Map();
let last = "";

const say = (text) => { state.textContent = text; };

function row(id, extension) {
  let found = rows.get(id);
  if (!found) {
    const line = document.createElement("tr");
    const cells = ["number", "name", "presence", "phone", "message"].map((name) => {
      const cell = line.appendChild(document.createElement("td"));
      cell.className = name;
      return cell;
    });
    found = { line, cells, number: "" };
    rows.set(id, found);
  }
  if (extension && extension.number !== undefined) {
    found.number = String(extension.number);
    found.cells[0].textContent = found.number;
    found.cells[1].textContent = String(extension.name ?? "");
    const after = [...rows.values()].filter((other) => other.line.isConnected && other !== found
      && other.number.localeCompare(found.number, undefined, { numeric: true }) > 0)
      .sort((a, b) => a.number.localeCompare(b.number, undefined, { numeric: true }))[0];
    if (!found.line.isConnected) table.tBodies[0].insertBefore(found.line, after ? after.line : null);
  }
  return found;
}

function show(id, extension, presence, message, stale) {
  if (!presence) return;
  const found = row(id, extension);
  found.cells[2].textContent = presence.presenceStatus;
  found.cells[2].className = `presence ${presence.presenceStatus}`;
  found.cells[3].textContent = presence.telephonyStatus === "NoCall" ? "" : presence.telephonyStatus;
  found.cells[4].textContent = message ?? "";
  found.line.classList.toggle("stale", Boolean(stale));
}

function take(event, id, data) {
  const value = JSON.parse(data);
  if (event === "snapshot") {
    for (const one of value.records) {
      show(String(one.extension.id), one.extension, one.presence, one.message, one.stale);
    }
    table.hidden = false;
  } else if (event === "presence") {
    const own = value.lampfield ?? {};
    show(String(value.body.extensionId), own, value.body, own.message, own.stale);
  }
  if (id) last = id;
}

async function follow(token, account) {
  const headers = { Authorization: `Bearer ${token}` };
  if (last) headers["Last-Event-ID"] = last;
  const answer = await fetch(`/lampfield/v1/accounts/${encodeURIComponent(account)}/stream`, { headers });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(problem.message ?? `status ${answer.status}`), { final: answer.status < 500 });
  }
  say("Live.");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      let event = "message", id = "", data = [];
      for (const line of block.split(/\r?\n/)) {
        const [, field, rest] = /^([^:]*):? ?(.*)$/.exec(line);
        if (field === "event") event = rest;
        else if (field === "id") id = rest;
        else if (field === "data") data.push(rest);
      }
      if (data.length) take(event, id, data.join("\n"));
    }
  }
}

async function run() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const token = wanted.get("token");
  if (!token) return;
  for (;;) {
    try {
      await follow(token, wanted.get("account") ?? "~");
      say("The stream ended; coming back.");
    } catch (error) {
      if (error.final) { say(`Refused: ${error.message}`); return; }
      say(`Not connected (${error.message}); coming back.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

run();
