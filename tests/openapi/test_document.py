"""The server as its own document describes it, asked by schemathesis: no fault of the server's own, no
answer outside the document, and what was made is found, changed and removed again.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[0] / "faults"))

from receiver import Receiver  # noqa: E402
from server import ROOT, Server  # noqa: E402

SEED = os.environ.get("LAMPFIELD_SEED", "7")
REDIRECT = "https://board.example/back"
# Phases, and how many seconds each may take: below three minutes together. The order of a phase is
# the seed's; more seconds ask more.
FACTOR = float(os.environ.get("LAMPFIELD_OPENAPI_FACTOR", "1"))
PHASES = {"examples,coverage": 60, "fuzzing": 45, "stateful": 45}
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "use_after_free",
]
# A stream does not end; what is deprecated is not here and says so with 501.
LEFT_OUT = ["openStream"]


def ask(url, token=None, form=None, basic=None, put=None):
    headers = {"Authorization": f"Bearer {token}" if token else f"Basic {basic}"}
    data = urllib.parse.urlencode(form).encode() if form else None
    if put:
        headers["Content-Type"], data = "application/json", json.dumps(put).encode()
    request = urllib.request.Request(url, data, headers, method="PUT" if put else None)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def records(server, key, path):
    return ask(f"{server.url}/lampfield/v1{path}", key)["records"]


def stage(server, receiver):
    """Logs in, and finds what there is to ask about."""
    settings = server.settings
    client = f"{settings['RC_CLIENT_ID']}:{settings['RC_CLIENT_SECRET']}"
    basic = base64.b64encode(client.encode()).decode()
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    form = {"grant_type": grant, "assertion": settings["RC_JWT"]}
    token = ask(f"{server.url}/restapi/oauth/token", form=form, basic=basic)
    key = settings["LAMPFIELD_ADMIN_TOKEN"]
    account = ask(f"{server.url}/restapi/v1.0/account/~", token["access_token"])["id"]
    extensions = records(server, key, f"/accounts/{account}/extensions?perPage=100")
    queues = [one["id"] for one in extensions if one["type"] == "Department"]
    # A new password ends a person's log-ins: the one who asks is reached as `~` only.
    others = [one for one in extensions if one["id"] != token["owner_id"] and one["type"] == "User"]
    ask(f"{server.url}/lampfield/v1/apps/{settings['RC_CLIENT_ID']}", key, put={"redirectUris": [REDIRECT]})
    must_stay = {token["owner_id"], settings["RC_CLIENT_ID"]}
    must_stay.update(one["id"] for one in records(server, key, "/keys"))
    must_stay.update(one["id"] for one in records(server, key, f"/accounts/{account}/credentials"))
    return {
        "STAGE_TOKEN": token["access_token"],
        "STAGE_KEY": key,
        "STAGE_CLIENT": basic,
        "STAGE_CLIENT_ID": settings["RC_CLIENT_ID"],
        "STAGE_OTHER_JWT": settings["LAMPFIELD_OTHER_JWT"],
        "STAGE_ACCOUNT": str(account),
        "STAGE_RECEIVER": receiver.address,
        "STAGE_EXTENSIONS": " ".join(one["id"] for one in others[:6]),
        "STAGE_NUMBER": f"n:{others[0]['number']}",
        "STAGE_REDIRECT": REDIRECT,
        "STAGE_QUEUES": " ".join(queues) or "1",
        "STAGE_MUST_STAY": " ".join(sorted(must_stay)),
    }


def schemathesis(folder, url, environment, phases, seconds, document=None):
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "--no-color", "run", document or f"{url}/openapi.json",
        "--url", url, "--checks", ",".join(CHECKS), "--mode", "all", "--phases", phases,
        "--max-examples", "4", "--seed", SEED, "--max-time", str(seconds), "--workers", "1", "--continue-on-failure",
        "--exclude-deprecated", "--request-timeout", "20", "--generation-database", "none",
        "--warnings", "off", "--suppress-health-check", "all", "--no-shrink",
    ]
    for name in LEFT_OUT:
        command += ["--exclude-operation-id", name]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=seconds + 60,
        env={**os.environ, **environment, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)},
    )


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="lampfield-openapi-")
        cls.receiver = Receiver().open()
        off = [word for name in ("light", "medium", "heavy", "auth") for word in ("--set", f"rates.{name}=0")]
        cls.server = Server(cls.folder.name, arguments=off)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        cls.receiver.close()
        cls.folder.cleanup()
        assert code == 0, f"the server ended with {code}"

    def test_the_served_documents_are_the_kept_ones(self):
        for name in ("openapi.json", "asyncapi.json"):
            with urllib.request.urlopen(f"{self.server.url}/{name}", timeout=20) as answer:
                self.assertEqual(answer.read(), (ROOT / "contract" / name).read_bytes(), name)

    def test_no_answer_is_outside_the_document(self):
        environment = stage(self.server, self.receiver)
        for phases, seconds in PHASES.items():
            with self.subTest(phases=phases):
                run = schemathesis(Path(self.folder.name), self.server.url, environment, phases, max(int(seconds * FACTOR), 1))
                output = run.stdout + run.stderr
                print(f"{phases}, seed {SEED}\n{output[-1500:]}")
                self.assertTrue(self.server.is_alive(), self.server.tail())
                self.assertEqual(run.returncode, 0, f"schemathesis found something\n{output[-12000:]}")
                generated = re.search(r"(\d[\d,]*) generated", output)
                self.assertIsNotNone(generated, "schemathesis says how much it asked")
                self.assertGreater(int(generated[1].replace(",", "")), 100)
        # Whoever asked still may: otherwise most of it was answered with 401.
        ask(f"{self.server.url}/restapi/v1.0/account/~", environment["STAGE_TOKEN"])

    def test_an_answer_outside_the_document_would_be_found(self):
        """The negative control: a document that promises something else must fail."""
        document = json.loads((ROOT / "contract" / "openapi.json").read_text())
        path = "/restapi/v1.0/status"
        operation = document["paths"][path]["get"]
        operation["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "array"}
        document["paths"] = {path: {"get": operation}}
        folder = Path(self.folder.name)
        wrong = folder / "wrong.json"
        wrong.write_text(json.dumps(document))
        environment = stage(self.server, self.receiver)
        run = schemathesis(folder, self.server.url, environment, "coverage", 10, str(wrong))
        self.assertNotEqual(run.returncode, 0, run.stdout)
        self.assertIn("violates schema", run.stdout)


if __name__ == "__main__":
    unittest.main()
