// Shows openapi.json and asyncapi.json. Builds every element by hand: nothing of a document or an
// answer is ever read as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const ANSWER_MAX = 200000;

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

// Shows words between backticks as code.
function prose(text) {
  const parts = (text || "").split("`");
  return parts.map((part, place) => (place % 2 && place < parts.length - 1 ? make("code", {}, part) : part));
}

function resolve(root, value) {
  let found = value;
  while (found && found.$ref) {
    found = found.$ref.slice(2).split("/").reduce((at, step) => at && at[step], root);
  }
  return found || {};
}

// Says a schema in a line.
function brief(root, schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const several = schema.oneOf || schema.anyOf;
  if (several) return several.map((one) => brief(root, one)).join(" or ");
  if (schema.enum) return schema.enum.map((word) => (word === null ? "null" : word)).join(" | ");
  const kind = [].concat(schema.type || "anything");
  const name = kind.includes("array") && schema.items ? "list of " + brief(root, schema.items) : kind.join(" or ");
  return name + (schema.format && schema.format !== "int64" ? " (" + schema.format + ")" : "");
}

// Shows the members of a schema as an indented text, each named schema once.
function outline(root, schema, indent = "", seen = new Set()) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    if (seen.has(name)) return indent + name + "\n";
    seen = new Set(seen).add(name);
  }
  const found = resolve(root, schema);
  const several = found.oneOf || found.anyOf;
  if (several) return several.map((one) => outline(root, one, indent, seen)).join(indent + "or\n");
  if (found.prefixItems) return found.prefixItems.map((one) => outline(root, one, indent, seen)).join(indent + ",\n");
  if (found.items) return indent + "list of\n" + outline(root, found.items, indent + "  ", seen);
  if (!found.properties) return indent + brief(root, found) + "\n";
  const required = new Set(found.required || []);
  return Object.entries(found.properties).map(([name, member]) => {
    const about = resolve(root, member).description;
    const head = indent + name + (required.has(name) ? "" : "?") + ": " + brief(root, member) + (about ? "  // " + about : "") + "\n";
    const inner = resolve(root, member);
    const deep = inner.properties || (inner.items && resolve(root, inner.items).properties);
    return deep && indent.length < 8 ? head + outline(root, inner.properties ? member : inner.items, indent + "  ", seen) : head;
  }).join("");
}

// Makes a body to begin with.
function sample(root, schema, depth = 0) {
  const found = resolve(root, schema);
  if (found.examples) return found.examples[0];
  if (found.oneOf || found.anyOf) return sample(root, (found.oneOf || found.anyOf)[0], depth);
  if (found.enum) return found.enum[0];
  const kind = [].concat(found.type || [])[0];
  if (kind === "array") return depth > 4 ? [] : [sample(root, found.items || {}, depth + 1)];
  if (kind === "object") {
    const required = found.required || [];
    return Object.fromEntries(required.map((name) => [name, sample(root, found.properties[name] || {}, depth + 1)]));
  }
  return { string: "", integer: found.minimum || 0, boolean: true }[kind] ?? null;
}

function parametersTable(root, parameters) {
  const rows = parameters.map((one) => make("tr", {},
    make("td", {}, make("code", {}, one.name)),
    make("td", {}, one.in + (one.required ? ", needed" : "")),
    make("td", {}, brief(root, one.schema)),
    make("td", {}, ...prose(one.description))));
  const head = make("tr", {}, ...["Name", "Where", "What", "Meaning"].map((name) => make("th", { scope: "col" }, name)));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}

function answersTable(root, responses) {
  const parts = Object.entries(responses).map(([status, reference]) => {
    const answer = resolve(root, reference);
    const kinds = Object.entries(answer.content || {});
    const shapes = kinds.map(([kind, { schema }]) => make("details", {},
      make("summary", {}, make("code", {}, kind), " " + brief(root, schema)),
      make("pre", {}, outline(root, schema))));
    return make("tr", {}, make("td", {}, make("code", {}, status)), make("td", {}, ...prose(answer.description), ...shapes));
  });
  return make("table", {}, make("tbody", {}, ...parts));
}

function bodyPart(root, body) {
  const kinds = Object.entries(body.content || {});
  return kinds.map(([kind, { schema }]) => make("details", { open: kinds.length === 1 },
    make("summary", {}, make("code", {}, kind), " " + brief(root, schema)),
    make("pre", {}, outline(root, schema))));
}

// A form that sends the request with the token of the page.
function tryForm(root, method, path, operation, parameters) {
  const fields = parameters.map((one) => {
    const value = one.in === "path" && ["account", "extension"].includes(one.name) ? "~" : "";
    return [one, make("input", { value, required: one.required, autocomplete: "off" })];
  });
  const content = operation.requestBody ? Object.entries(operation.requestBody.content) : [];
  const kind = make("select", {}, ...content.map(([name]) => make("option", {}, name)));
  const body = make("textarea", { spellcheck: "false" });
  if (content.length) {
    const [name, { schema }] = content[0];
    body.value = name === "application/json" ? JSON.stringify(sample(root, schema), null, 2) : "";
  }
  const answer = make("pre", { hidden: true, tabindex: "0" });
  const send = make("button", {}, "Send");
  const stop = make("button", { type: "button", hidden: true }, "Stop");
  const form = make("form", { class: "try" },
    ...fields.map(([one, input]) => make("label", {}, one.name, input)),
    ...(content.length ? [make("label", {}, "Content-Type", kind), make("label", {}, "Body", body)] : []),
    make("p", {}, send, " ", stop), answer);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = prepare(method, path, fields, content.length ? [kind.value, body.value] : null);
    perform(request, answer, send, stop);
  });
  return form;
}

function prepare(method, path, fields, content) {
  const query = new URLSearchParams();
  const headers = {};
  let address = path;
  for (const [one, input] of fields) {
    if (one.in === "path") address = address.replace("{" + one.name + "}", encodeURIComponent(input.value).replaceAll("%2C", ",").replaceAll("%3A", ":"));
    else if (input.value === "") continue;
    else if (one.in === "query") query.append(one.name, input.value);
    else headers[one.name] = input.value;
  }
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = "Bearer " + token;
  if (content && content[1].trim()) headers["Content-Type"] = content[0];
  const search = query.toString();
  return [address + (search ? "?" + search : ""), { method: method.toUpperCase(), headers, body: content && content[1].trim() ? content[1] : undefined }];
}

async function perform([address, options], answer, send, stop) {
  const abort = new AbortController();
  stop.onclick = () => abort.abort();
  answer.hidden = false;
  answer.textContent = options.method + " " + address + "\n";
  send.disabled = true;
  stop.hidden = false;
  try {
    const response = await fetch(address, { ...options, signal: abort.signal, credentials: "omit", redirect: "manual" });
    answer.textContent += response.status + " " + response.statusText + "\n";
    for (const [name, value] of response.headers) answer.textContent += name + ": " + value + "\n";
    answer.textContent += "\n";
    await pour(response, answer);
  } catch (error) {
    answer.textContent += abort.signal.aborted ? "(stopped)\n" : error + "\n";
  } finally {
    send.disabled = false;
    stop.hidden = true;
  }
}

// Shows an answer as it comes: a stream has no end.
async function pour(response, answer) {
  const reader = response.body ? response.body.getReader() : null;
  const decoder = new TextDecoder();
  const start = answer.textContent;
  let text = "";
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    text = (text + decoder.decode(value, { stream: true })).slice(-ANSWER_MAX);
    answer.textContent = start + text;
  }
  if ((response.headers.get("content-type") || "").includes("json")) {
    try { answer.textContent = start + JSON.stringify(JSON.parse(text), null, 2); } catch { /* It stays as it came. */ }
  }
}

function operationPart(root, method, path, operation) {
  const parameters = (operation.parameters || []).map((one) => resolve(root, one));
  const part = make("details", { class: "operation", id: operation.operationId },
    make("summary", {}, make("span", { class: "method " + method }, method.toUpperCase()),
      make("span", { class: "path" }, path), make("span", {}, operation.summary)));
  part.dataset.words = (method + " " + path + " " + operation.summary + " " + (operation.description || "")).toLowerCase();
  // Filled when it is opened: a page of everything would be slow.
  part.addEventListener("toggle", () => {
    if (!part.open || part.dataset.filled) return;
    part.dataset.filled = "yes";
    const inner = make("div", {});
    for (const sentence of (operation.description || "").split("\n\n").filter(Boolean)) inner.append(make("p", {}, ...prose(sentence)));
    const scopes = (operation.security || []).flatMap((one) => Object.entries(one)).filter(([, scopes]) => scopes.length);
    for (const [, words] of scopes) inner.append(make("p", {}, "Scope: ", make("code", {}, words.join(", "))));
    if (parameters.length) inner.append(make("h4", {}, "Parameters"), parametersTable(root, parameters));
    if (operation.requestBody) inner.append(make("h4", {}, "Body"), ...bodyPart(root, operation.requestBody));
    inner.append(make("h4", {}, "Answers"), answersTable(root, operation.responses));
    inner.append(make("h4", {}, "Try"), tryForm(root, method, path, operation, parameters));
    part.append(inner);
  });
  return part;
}

function showRequests(root, main, nav) {
  document.getElementById("about").textContent = root.info.description.split("\n\n")[0];
  for (const { name, description } of root.tags) {
    const id = "tag-" + name.toLowerCase();
    nav.append(make("a", { href: "#" + id }, name));
    const section = make("section", { "aria-labelledby": id }, make("h2", { id }, name), make("p", {}, ...prose(description)));
    for (const [path, methods] of Object.entries(root.paths)) {
      for (const method of METHODS) {
        const operation = methods[method];
        if (operation && operation.tags.includes(name)) section.append(operationPart(root, method, path, operation));
      }
    }
    main.append(section);
  }
}

function showEvents(root, main, nav) {
  nav.append(make("a", { href: "#tag-events" }, "Events"));
  const section = make("section", { "aria-labelledby": "tag-events" }, make("h2", { id: "tag-events" }, "Events"), make("p", {}, ...prose(root.info.description)));
  for (const channel of Object.values(root.channels)) {
    section.append(make("h3", {}, make("code", {}, channel.address)), make("p", {}, ...prose(channel.description)));
    for (const reference of Object.values(channel.messages)) {
      const message = resolve(root, reference);
      section.append(make("details", { class: "operation" },
        make("summary", {}, make("span", { class: "path" }, message.name), make("span", {}, ...prose(message.summary))),
        make("div", {}, make("pre", {}, outline(root, message.payload)))));
    }
  }
  main.append(section);
}

function find(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  for (const part of document.querySelectorAll("details.operation[data-words]")) {
    part.hidden = !wanted.every((word) => part.dataset.words.includes(word));
  }
}

async function start() {
  const [main, nav, state] = ["content", "tags", "state"].map((id) => document.getElementById(id));
  try {
    const [requests, events] = await Promise.all(["/openapi.json", "/asyncapi.json"].map(async (path) => (await fetch(path)).json()));
    showRequests(requests, main, nav);
    showEvents(events, main, nav);
    state.remove();
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target) { target.open = true; target.scrollIntoView(); }
  } catch (error) {
    state.textContent = "The documents cannot be read: " + error;
  }
  document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
}

start();
