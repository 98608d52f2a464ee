//! What must last: over refreshes, over a day, over restarts.

use serde_json::{Value, json};

use crate::house::{ANNA, BEN, text};
use crate::server::{Client, Server};
use crate::{ACCOUNT, say};

#[tokio::test]
async fn checklist_12_a_socket_that_is_a_day_old_is_told_so_before_it_is_closed() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    server.house.wait(86_400);

    let frame = client.next().await.expect("a frame before the end");
    assert_eq!(frame[0]["type"], "Error");
    assert_eq!(frame[1]["errorCode"], "WSG-903");
    assert_eq!(frame[1]["message"], "Absolute timeout expired");
    assert!(client.next().await.is_none());
    assert_eq!(client.close_code, Some(1000));
}

#[tokio::test]
async fn checklist_15_and_need_24_the_sequence_rises_over_the_whole_account_and_over_restarts() {
    let mut server = Server::new().await;
    let mut tokens = [server.house.log_in(ANNA).await, server.house.log_in(BEN).await];
    let mut told = Vec::new();
    for round in 0..3 {
        let mut client = watching(&server, &tokens[0]).await;
        for status in ["Busy", "Available"] {
            for (token, user) in tokens.iter().zip([ANNA, BEN]) {
                say(&server, token, user, status).await;
                let body = client.told().await[1]["body"].clone();
                assert_eq!(body["extensionId"], user.to_string());
                told.push(body["sequence"].as_u64().unwrap());
            }
        }
        if round == 1 {
            // Another log-in changes nothing about it.
            tokens = [server.house.log_in(ANNA).await, server.house.log_in(BEN).await];
        }
        // A socket that stays open and says nothing would only make the end longer.
        drop(client);
        server = server.again().await;
    }
    assert_eq!(told, (1..=12).collect::<Vec<_>>(), "from 1, never again, never back");
}

async fn watching(server: &Server, token: &str) -> Client {
    let token = text(&server.wstoken(token).await, "ws_access_token");
    let (mut client, _) = server.open_greeted(&format!("?access_token={token}")).await;
    assert_eq!(client.subscribe(&[ACCOUNT]).await[0]["status"], 200);
    client
}

#[tokio::test]
async fn need_6_tokens_and_subscriptions_survive_a_restart() {
    let server = Server::new().await;
    let login = server.house.log_in_with(ANNA, "app").await;
    let access = text(&login, "access_token");
    let socket = text(&server.wstoken(&access).await, "ws_access_token");
    let (mut client, _) = server.open_greeted(&format!("?access_token={socket}")).await;
    let id = client.subscribe(&[ACCOUNT]).await[1]["id"].clone();
    say(&server, &access, ANNA, "Busy").await;
    let wsc = text(&client.told().await[0]["wsc"], "token");

    drop(client);
    let server = server.again().await;
    server.get(&access, ACCOUNT).await.expect(200);
    server.wstoken(&access).await;
    say(&server, &access, ANNA, "Available").await;
    let (mut client, hello) =
        server.open_greeted(&format!("?access_token={socket}&wsc={wsc}")).await;
    assert_eq!(hello[1]["recoveryState"], "Successful");
    let missed = client.told().await;
    assert_eq!((&missed[1]["subscriptionId"], &missed[1]["body"]["sequence"]), (&id, &json!(2)));
    let form = format!("grant_type=refresh_token&refresh_token={}", text(&login, "refresh_token"));
    server.house.token("app", &form).await.expect(200);
}

#[tokio::test]
async fn need_4_a_socket_token_works_more_than_once_and_survives_a_refresh() {
    let server = Server::new().await;
    let login = server.house.log_in_with(ANNA, "app").await;
    let token = text(&server.wstoken(&text(&login, "access_token")).await, "ws_access_token");
    let query = format!("?access_token={token}");
    for _ in 0..3 {
        server.open_greeted(&query).await;
    }
    let form = format!("grant_type=refresh_token&refresh_token={}", text(&login, "refresh_token"));
    let refreshed = server.house.token("app", &form).await.expect(200).json();
    server.get(&text(&login, "access_token"), ACCOUNT).await.expect(401);
    let (mut client, _) = server.open_greeted(&query).await;
    let answer = client.call("GET", ACCOUNT, Value::Null, Value::Null).await;
    assert_eq!(answer[0]["status"], 200, "the socket is of the log-in, not of the token");
    say(&server, &text(&refreshed, "access_token"), ANNA, "Busy").await;
}

#[tokio::test]
async fn need_5_a_socket_token_is_announced_for_moments_and_good_for_longer() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let answer = server.wstoken(&token).await;
    let announced = answer["expires_in"].as_u64().unwrap();
    assert!((1..=2).contains(&announced), "{answer}");
    let query = format!("?access_token={}", text(&answer, "ws_access_token"));

    server.house.wait(30);
    server.open_greeted(&query).await;
    server.house.wait(31);
    let late = server.open(&query).await.next().await.unwrap();
    assert_eq!((&late[0]["type"], &late[1]["errorCode"]), (&json!("Error"), &json!("WSG-401")));
}
