//! Grants of applications, client assertions, and where SDKs find the endpoints.

use axum::body::Body;
use http::Request;
use lampfield_core::directory::{App, Grants, Scopes};
use lampfield_journal::DirectoryChange;
use serde_json::Value;

use crate::house::{ANNA, BEN, House, JWT_BEARER, PASSWORD, Reply, app};

fn verdict(reply: &Reply) -> (u16, Value, Value) {
    let body = reply.json();
    (reply.status, body["error"].clone(), body["errorCode"].clone())
}

#[tokio::test]
async fn an_application_logs_in_only_in_the_ways_that_were_chosen_for_it() {
    let house = House::new().await;
    let form = |grant: &str| match grant {
        "jwt" => {
            format!("grant_type={}&assertion={}", JWT_BEARER, house.jwt(BEN))
        }
        "password" => {
            format!(
                "grant_type=password&username=12025550100*101&password={}",
                PASSWORD.replace(' ', "+")
            )
        }
        _ => format!("grant_type={grant}&code=x&refresh_token=x"),
    };
    let with = |grants| App { grants, ..app("app", Scopes::ALL) };
    house.apply(DirectoryChange::PutApp(with(Grants::JWT_BEARER))).await;
    let tokens = house.token("app", &form("jwt")).await.expect(200).json();
    assert_eq!(tokens.get("refresh_token"), None, "it gets none");
    assert_eq!(tokens.get("refresh_token_expires_in"), None);
    for grant in ["password", "authorization_code", "refresh_token"] {
        let refused = house.token("app", &form(grant)).await;
        let expected = (400, "unauthorized_client".into(), "OAU-112".into());
        assert_eq!(verdict(&refused), expected, "{grant}");
    }
    house.apply(DirectoryChange::PutApp(with(Grants::PASSWORD))).await;
    house.token("app", &form("password")).await.expect(200);
    house.token("app", &form("jwt")).await.expect(400);
}

#[tokio::test]
async fn a_client_assertion_is_refused_in_plain_words() {
    let house = House::new().await;
    let form = format!(
        "grant_type={}&assertion={}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
         client-assertion-type%3Ajwt-bearer&client_assertion=a.b.c",
        JWT_BEARER,
        house.jwt(ANNA)
    );
    let refused = house.token("app", &form).await.expect(401).json();
    assert_eq!(refused["error"], "invalid_client");
    assert_eq!(refused["errorCode"], "OAU-151");
    assert!(refused["message"].as_str().unwrap().contains("client_assertion"));
}

#[tokio::test]
async fn an_sdk_that_asks_where_everything_is_is_told() {
    let house = House::new().await;
    let get = async |path: &str| {
        let request = Request::get(path).header("host", "lamp.example").body(Body::empty());
        house.send(request.unwrap()).await
    };
    let initial = get("/.well-known/entry-points/initial?clientId=app").await.expect(200).json();
    assert_eq!(
        initial["authApi"]["authorizationUri"],
        "http://lamp.example/restapi/oauth/authorize"
    );
    assert_eq!(initial["authApi"]["defaultTokenUri"], "http://lamp.example/restapi/oauth/token");
    assert_eq!(initial["coreApi"]["baseUri"], "http://lamp.example");
    let next = initial["discoveryApi"]["defaultExternalUri"].as_str().unwrap();
    let external = get(next.strip_prefix("http://lamp.example").unwrap()).await.expect(200).json();
    assert_eq!(external["authApi"]["tokenUri"], initial["authApi"]["defaultTokenUri"]);
    assert_eq!(external["expiresIn"], 3600);
    get("/.well-known/entry-points/initial").await.expect(400);
}
