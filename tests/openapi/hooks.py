"""What schemathesis needs to know of the server beyond its document: who asks, what there is to ask about,
and what must stay.

Loaded through SCHEMATHESIS_HOOKS. Everything comes from the environment that `test_document.py` sets.
Choices are made by the made-up values themselves, so that a run can be repeated.
"""

import os
import uuid

import schemathesis

TOKEN = os.environ["STAGE_TOKEN"]
KEY = os.environ["STAGE_KEY"]
CLIENT = os.environ["STAGE_CLIENT"]
CLIENT_ID = os.environ["STAGE_CLIENT_ID"]
REDIRECT = os.environ["STAGE_REDIRECT"]
NUMBER = os.environ["STAGE_NUMBER"]
OTHER_JWT = os.environ["STAGE_OTHER_JWT"]
ACCOUNT = os.environ["STAGE_ACCOUNT"]
RECEIVER = os.environ["STAGE_RECEIVER"]
EXTENSIONS = os.environ["STAGE_EXTENSIONS"].split()
QUEUES = os.environ["STAGE_QUEUES"].split()
# Whoever asks must not be taken away by an answer that named them.
MUST_STAY = set(os.environ["STAGE_MUST_STAY"].split())
DESTRUCTIVE = {
    "removeApp", "changeApp", "removeKey", "removeCredential", "removeExtension", "changeExtension",
}
FILTERS = [
    "/restapi/v1.0/account/~/presence",
    "/restapi/v1.0/account/~/extension/~/presence?detailedTelephonyState=true",
]
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# What this run made: asked for as it is.
MADE = set()

# Members of bodies that name something that must exist.
NAMES = {
    "extension": EXTENSIONS + [NUMBER], "extensionId": EXTENSIONS, "account": [ACCOUNT],
    "accountId": [ACCOUNT], "app": [CLIENT_ID],
}
LISTS = {
    "permitted": EXTENSIONS, "lines": EXTENSIONS, "favorites": EXTENSIONS, "queues": QUEUES,
    "declinedQueues": QUEUES[:1],
}
INNER = {"extension": EXTENSIONS, "member": EXTENSIONS, "callQueue": QUEUES}


def weight(value):
    return sum(str(value).encode())


def turn(value, choices):
    return choices[weight(value) % len(choices)]


def often(value):
    """Three in four: the rest asks for what does not exist."""
    return weight(value) % 4 != 0


def is_scalar(value):
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def known(body):
    """Puts what exists into a made-up body, wherever it names something."""
    if isinstance(body, list):
        return [known(one) for one in body]
    if not isinstance(body, dict):
        return body
    return {name: known_member(name, value) for name, value in body.items()}


def known_member(name, value):
    if name in NAMES and is_scalar(value) and often(value):
        return turn(value, NAMES[name])
    if name in LISTS and isinstance(value, list) and often(value):
        return sorted({turn(one, LISTS[name]) for one in value if is_scalar(one)})
    if name in INNER and isinstance(value, dict) and is_scalar(value.get("id")) and often(value):
        return {**value, "id": turn(value, INNER[name])}
    return known(value)


def subscription(body):
    """Subscriptions lead to a receiver that is there, and mostly to events that there are."""
    mode = body.get("deliveryMode")
    if isinstance(mode, dict):
        if isinstance(mode.get("address"), str):
            mode = {**mode, "address": RECEIVER}
        elif often(mode) and isinstance(mode.get("transportType"), str):
            mode = {**mode, "transportType": "WebHook", "address": RECEIVER}
    filters = body.get("eventFilters")
    if isinstance(filters, list) and filters and often(filters):
        filters = FILTERS
    return {**body, "deliveryMode": mode, "eventFilters": filters}


def log_in(body):
    """Somebody else logs in: the sixth session of a person closes the oldest, which is the run's own."""
    return {"grant_type": JWT_BEARER, "assertion": OTHER_JWT} if often(body) else body


def authorization_of(path):
    if path.startswith("/lampfield"):
        return f"Bearer {KEY}"
    if path in ("/restapi/oauth/token", "/restapi/oauth/revoke"):
        return f"Basic {CLIENT}"
    return f"Bearer {TOKEN}"


def path_value(name, value, operation):
    if str(value) in MADE:
        return value
    path = operation.path
    there = {"account": [ACCOUNT] + ["~"] * path.startswith("/restapi"), "queue": QUEUES, "line": ["1", "2"]}
    there["extension"] = EXTENSIONS + (["~"] if path.startswith("/restapi") else [NUMBER])
    there["source"] = ["pbx"]
    return turn(value, there[name]) if name in there and often(value) else value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Says who asks and about what, and keeps what the run itself stands on."""
    operation = case.operation
    name = operation.definition.raw.get("operationId")
    case.headers["Authorization"] = authorization_of(operation.path)
    for parameter, value in (case.path_parameters or {}).items():
        case.path_parameters[parameter] = path_value(parameter, value, operation)
        is_own = parameter != "account" and str(case.path_parameters[parameter]) in MUST_STAY
        if is_own and name in DESTRUCTIVE:
            case.path_parameters[parameter] = str(uuid.UUID(int=1))
    if name == "showLogin" and case.query and often(case.query):
        case.query.update(client_id=CLIENT_ID, redirect_uri=REDIRECT, response_type="code")
    if isinstance(case.body, (dict, list)):
        case.body = known(case.body)
    if name == "createSubscription" and isinstance(case.body, dict):
        case.body = subscription(case.body)
    if name == "issueToken" and isinstance(case.body, dict):
        case.body = log_in(case.body)


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what was made."""
    if case.method.upper() != "POST" or response.status_code not in (200, 201):
        return
    if response.headers.get("content-type") != ["application/json"]:
        return
    made = response.json()
    if isinstance(made, dict) and is_scalar(made.get("id")):
        MADE.add(str(made["id"]))


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """A batch is a text."""
    good = '{"extension":"n:102","call":{"id":"c1","telephonyStatus":"Ringing","direction":"Inbound"}}\n'
    text = value if isinstance(value, str) else repr(value)
    return (good + text if often(text) else text).encode("utf-8", "replace")


@schemathesis.serializer("text/csv")
def csv(context, value):
    """A file is a text."""
    text = value if isinstance(value, str) else repr(value)
    return ("number,name\n1901,Imported\n" + text if often(text) else text).encode("utf-8", "replace")
