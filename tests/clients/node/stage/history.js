// What may be said of events that arrived: pure checks, each returns sentences; empty is a proof.
// `test/history.test.js` breaks good histories to see every check turn red.

export const seedFields = [
  "extensionId", "telephonyStatus", "sequence", "presenceStatus", "userStatus", "meetingStatus",
  "dndStatus", "allowSeeMyPresence", "ringOnMonitoredCall", "pickUpCallsOnHold",
];
const envelopeFields = ["uuid", "event", "timestamp", "subscriptionId", "ownerId", "body"];
const key = (envelope) => `${envelope.body.extensionId}#${envelope.body.sequence}`;

/** The envelope and the plain body of the founding document: these members, in this order, no other. */
export function shapeOf(envelope) {
  const found = [];
  if (Object.keys(envelope).join() !== envelopeFields.join()) found.push(`envelope has ${Object.keys(envelope)}`);
  if (Object.keys(envelope.body).join() !== seedFields.join()) found.push(`body has ${Object.keys(envelope.body)}`);
  const types = {
    extensionId: "string", telephonyStatus: "string", sequence: "number", presenceStatus: "string", userStatus: "string",
    meetingStatus: "string", dndStatus: "string", allowSeeMyPresence: "boolean", ringOnMonitoredCall: "boolean",
    pickUpCallsOnHold: "boolean",
  };
  for (const [name, type] of Object.entries(types)) {
    if (typeof envelope.body[name] !== type) found.push(`${name} is ${typeof envelope.body[name]}`);
  }
  if (envelope.event !== `/restapi/v1.0/account/~/extension/${envelope.body.extensionId}/presence`) {
    found.push(`event is ${envelope.event}`);
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(envelope.timestamp)) found.push(`timestamp is ${envelope.timestamp}`);
  if (!/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(envelope.uuid)) found.push(`uuid is ${envelope.uuid}`);
  return found;
}

/** Sequences rise from event to event. */
export function rising(received) {
  const pairs = received.slice(1).map((envelope, i) => [received[i].body.sequence, envelope.body.sequence]);
  return pairs.filter(([before, after]) => after <= before).map(([before, after]) => `${before} is followed by ${after}`);
}

/** Each committed event arrived. */
export function lost(received, committed) {
  const arrived = new Set(received.map(key));
  return committed.filter((envelope) => !arrived.has(key(envelope))).map((envelope) => `${key(envelope)} never arrived`);
}

/** No event arrived twice, by change or by uuid. */
export function repeated(received) {
  const seen = new Set();
  const found = [];
  for (const envelope of received) {
    for (const name of [key(envelope), envelope.uuid]) {
      if (seen.has(name)) found.push(`${name} arrived twice`);
      seen.add(name);
    }
  }
  return found;
}

/** Nothing arrived that is not committed with the same body. */
export function invented(received, committed) {
  const bodies = new Map(committed.map((envelope) => [key(envelope), plain(envelope.body)]));
  return received.filter((envelope) => bodies.get(key(envelope)) !== plain(envelope.body)).map((envelope) => `${key(envelope)} is not what was committed`);
}

const plain = (body) => JSON.stringify(seedFields.map((name) => body[name]));
