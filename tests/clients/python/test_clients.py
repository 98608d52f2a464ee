"""PyPI `ringcentral` 0.9.2 and `ringcentral_client` 0.8.0, unmodified, against the demo server."""

import asyncio
import json
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "faults"))

from ringcentral import SDK  # noqa: E402
from ringcentral.http.api_exception import ApiException  # noqa: E402
from ringcentral.websocket.events import WebSocketEvents  # noqa: E402
from ringcentral_client import RestClient  # noqa: E402

import history  # noqa: E402
import own  # noqa: E402
from server import Server, wait_until  # noqa: E402

PRESENCE = "/restapi/v1.0/account/~/extension/~/presence"
ACCOUNT = "/restapi/v1.0/account/~/presence"


class Published(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="lampfield-python-")
        cls.server = Server(cls.folder.name)
        cls.server.start()
        cls.settings = cls.server.settings

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        cls.folder.cleanup()
        assert code == 0, f"the server ended with {code}"

    def sdk(self):
        return SDK(self.settings["RC_CLIENT_ID"], self.settings["RC_CLIENT_SECRET"], self.server.url)

    def logged_in(self):
        sdk = self.sdk()
        sdk.platform().login(jwt=self.settings["RC_JWT"])
        return sdk


class RingcentralSdk(Published):
    def test_logs_in_with_a_jwt_and_reads_and_writes_presence(self):
        platform = self.logged_in().platform()
        self.assertTrue(platform.logged_in())
        self.assertEqual(platform.get(PRESENCE).json_dict()["userStatus"], "Available")
        changed = platform.put(PRESENCE, body={"userStatus": "Busy", "message": "in a talk"})
        self.assertEqual(changed.json_dict()["presenceStatus"], "Busy")
        self.assertEqual(changed.json_dict()["message"], "in a talk")
        platform.put(PRESENCE, body={"userStatus": "Available", "message": ""})

    def test_flags_spelt_as_python_spells_them_are_understood(self):
        platform = self.logged_in().platform()
        query = {"detailedTelephonyState": True, "perPage": 1000}
        records = platform.get(ACCOUNT, query_params=query).json_dict()["records"]
        self.assertTrue(all("activeCalls" in record for record in records if "userStatus" in record))
        plain = platform.get(ACCOUNT, query_params={"detailedTelephonyState": False}).json_dict()
        self.assertFalse(any("activeCalls" in record for record in plain["records"]))

    def test_logs_in_with_a_password_refreshes_and_logs_out(self):
        platform = self.sdk().platform()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            platform.login(
                username=self.settings["LAMPFIELD_USERNAME"],
                extension=self.settings["LAMPFIELD_EXTENSION"],
                password=self.settings["LAMPFIELD_PASSWORD"],
            )
        before = platform.auth().access_token()
        platform.refresh()
        self.assertNotEqual(platform.auth().access_token(), before)
        number = platform.get("/restapi/v1.0/account/~/extension/~").json_dict()["extensionNumber"]
        self.assertEqual(number, self.settings["LAMPFIELD_EXTENSION"])
        platform.logout()
        self.assertFalse(platform.logged_in())

    def test_errors_are_api_exceptions_with_the_documented_body(self):
        platform = self.logged_in().platform()
        with self.assertRaises(ApiException) as caught:
            platform.put(PRESENCE, body={"dndStatus": "Sometimes"})
        body = caught.exception.api_response().json_dict()
        self.assertEqual(body["errorCode"], "CMN-101")
        self.assertEqual(body["errors"][0]["parameterName"], "dndStatus")
        with self.assertRaises(ApiException) as caught:
            platform.get("/restapi/v1.0/account/~/extension/999999999999/presence")
        self.assertEqual(caught.exception.api_response().response().status_code, 404)
        with self.assertRaises(ApiException) as caught:
            self.sdk().platform().login(jwt="nonsense")
        self.assertEqual(caught.exception.api_response().json_dict()["error"], "invalid_grant")

    def test_a_websocket_subscription_receives_events_is_updated_and_ends(self):
        sdk = self.logged_in()
        seen = asyncio.run(asyncio.wait_for(self._watch(sdk), 30))
        received = [history.Received.from_envelope(frame[1]) for frame in seen]
        self.assertEqual([json.loads(r.body)["userStatus"] for r in received], ["Busy", "Available"])
        self.assertEqual(history.in_order(received), [])
        self.assertEqual(history.bodies_are_full(received), [])

    async def _watch(self, sdk):
        """Subscribes to the account, changes presence twice, unsubscribes, changes it again."""
        client, seen, events = sdk.create_web_socket_client(), [], asyncio.Queue()
        client.on(WebSocketEvents.subscriptionCreated, events.put_nowait)
        client.on(WebSocketEvents.receiveSubscriptionNotification, seen.append)
        connection = asyncio.create_task(client.create_new_connection())
        while not client._is_ready:  # noqa: SLF001 - the client has no other way to tell
            await asyncio.sleep(0.01)
        await client.create_subscription([ACCOUNT])
        subscription = await events.get()
        subscribed = subscription.get_subscription_info()[1]["id"]
        platform = sdk.platform()
        for status in ("Busy", "Available"):
            await asyncio.to_thread(platform.put, PRESENCE, {"userStatus": status})
        while len(seen) < 2:
            await asyncio.sleep(0.01)
        await client.update_subscription(subscription, [ACCOUNT, PRESENCE])
        await client.remove_subscription(subscription)
        listed = await asyncio.to_thread(self._is_gone, platform, subscribed)
        self.assertTrue(listed)
        connection.cancel()
        await client.close_connection()
        return seen

    @staticmethod
    def _is_gone(platform, subscription):
        records = lambda: platform.get("/restapi/v1.0/subscription").json_dict()["records"]
        gone = lambda: subscription not in [record["id"] for record in records()]
        return wait_until(gone, 10, "the subscription is gone")

    def test_a_reported_call_arrives_with_its_details(self):
        sdk = self.logged_in()
        me = sdk.platform().get("/restapi/v1.0/account/~/extension/~").json_dict()
        office = own.Office(self.server, me["account"]["id"])
        path = office.call_path("python", me["id"], "c1")
        seen = asyncio.run(asyncio.wait_for(self._watch_calls(sdk, office, path), 30))
        states = [frame[1]["body"]["telephonyStatus"] for frame in seen]
        self.assertEqual(states, ["Ringing", "CallConnected", "NoCall"])
        self.assertEqual(seen[1][1]["body"]["activeCalls"][0]["telephonyStatus"], "CallConnected")
        self.assertEqual(seen[2][1]["body"]["activeCalls"][0]["terminationType"], "final")

    async def _watch_calls(self, sdk, office, path):
        client, seen, events = sdk.create_web_socket_client(), [], asyncio.Queue()
        client.on(WebSocketEvents.subscriptionCreated, events.put_nowait)
        client.on(WebSocketEvents.receiveSubscriptionNotification, seen.append)
        connection = asyncio.create_task(client.create_new_connection())
        while not client._is_ready:  # noqa: SLF001
            await asyncio.sleep(0.01)
        await client.create_subscription([ACCOUNT + "?detailedTelephonyState=true"])
        await events.get()
        for status in ("Ringing", "CallConnected", "NoCall"):
            call = {"telephonyStatus": status, "direction": "Inbound", "from": "+12025550100"}
            await asyncio.to_thread(office.door().put, path, call)
        while len(seen) < 3:
            await asyncio.sleep(0.01)
        connection.cancel()
        await client.close_connection()
        return seen


class RingcentralClient(Published):
    def client(self):
        client = RestClient(
            self.settings["RC_CLIENT_ID"], self.settings["RC_CLIENT_SECRET"], self.server.url
        )
        client.authorize(jwtToken=self.settings["RC_JWT"])
        return client

    def test_logs_in_reads_writes_refreshes_and_revokes(self):
        client = self.client()
        self.assertEqual(client.get(PRESENCE).json()["userStatus"], "Available")
        self.assertEqual(client.put(PRESENCE, {"userStatus": "Busy"}).json()["presenceStatus"], "Busy")
        before = client.token["access_token"]
        client.refresh()
        self.assertNotEqual(client.token["access_token"], before)
        self.assertEqual(client.put(PRESENCE, {"userStatus": "Available"}).json()["userStatus"], "Available")
        self.assertEqual(client.post("/restapi/oauth/wstoken").json().keys() >= {"uri", "ws_access_token"}, True)
        client.revoke()
        self.assertIsNone(client.token)

    def test_errors_carry_the_status_and_the_body(self):
        client = self.client()
        with self.assertRaises(Exception) as caught:
            client.put(PRESENCE, {"userStatus": "Dozing"})
        self.assertIn("HTTP status code: 400", str(caught.exception))
        self.assertIn("CMN-101", str(caught.exception))
        client.revoke()


del Published  # a frame for the others, no test of its own


if __name__ == "__main__":
    unittest.main()
