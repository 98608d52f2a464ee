//! Every variant of the wire, as snapshots to be reviewed by eye: three details, three views.

use std::fmt::Write as _;

use crate::fixtures;
use lampfield_contract::{
    BodySource, Page, PageRequest, ResourceFlags, Subject, WireOptions, account_presence,
    presence_resource, write_body, write_body_of, write_event_path,
};
use lampfield_core::visibility::Detail;
use lampfield_core::{PresenceEvent, Settings, View};
use serde_json::Value;

fn body(event: &PresenceEvent, detail: Detail, view: View) -> String {
    let mut out = Vec::new();
    write_body(&mut out, event, detail, view, WireOptions::default());
    String::from_utf8(out).expect("UTF-8")
}

fn resource(event: &PresenceEvent, detail: Detail, view: View) -> Value {
    let subject = Subject { key: event.key, number: "101" };
    let flags = ResourceFlags { detail, total_active_calls: detail != Detail::Plain };
    presence_resource("https://presence.example", subject, &event.document, view, flags)
}

/// One line per variant; variants that look the same share one.
fn variants(write: impl Fn(Detail, View) -> String) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for view in View::ALL {
        for detail in Detail::ALL {
            let (name, text) = (format!("{detail:?} {view:?}"), write(*detail, *view));
            match lines.iter_mut().find(|(_, other)| *other == text) {
                Some((names, _)) => names.extend([", ", &name]),
                None => lines.push((name, text)),
            }
        }
    }
    lines.iter().fold(String::new(), |mut page, (names, text)| {
        let _ = writeln!(page, "{names}:\n{text}");
        page
    })
}

#[test]
fn event_bodies() {
    for (name, event) in fixtures::all() {
        let page = variants(|detail, view| body(&event, detail, view));
        insta::assert_snapshot!(format!("body_{name}"), page);
    }
}

#[test]
fn presence_resources() {
    for (name, event) in fixtures::all() {
        let page = variants(|detail, view| resource(&event, detail, view).to_string());
        insta::assert_snapshot!(format!("resource_{name}"), page);
    }
}

#[test]
fn every_body_has_the_ten_fields_and_detailed_ones_their_calls() {
    const TEN: [&str; 10] = [
        "extensionId",
        "telephonyStatus",
        "sequence",
        "presenceStatus",
        "userStatus",
        "meetingStatus",
        "dndStatus",
        "allowSeeMyPresence",
        "ringOnMonitoredCall",
        "pickUpCallsOnHold",
    ];
    for (name, event) in fixtures::all() {
        for view in View::ALL {
            for detail in Detail::ALL {
                let body: Value =
                    serde_json::from_str(&body(&event, *detail, *view)).expect("JSON");
                let body = body.as_object().expect("an object");
                assert!(TEN.iter().all(|field| body.contains_key(*field)), "{name}: {body:?}");
                let is_detailed = *detail != Detail::Plain;
                assert_eq!(body.contains_key("activeCalls"), is_detailed);
                assert_eq!(body.contains_key("totalActiveCalls"), is_detailed);
                assert_eq!(body.len(), if is_detailed { 12 } else { 10 });
            }
        }
    }
}

#[test]
fn nothing_of_a_caller_leaks_into_a_view_that_may_not_see_callers() {
    for (name, event) in fixtures::all() {
        for view in [View::WithoutCallers, View::Hidden] {
            for detail in Detail::ALL {
                let shown =
                    body(&event, *detail, view) + &resource(&event, *detail, view).to_string();
                for secret in ["202555", "Caller", "Ünal", "sipData", "pbx.example", "\"from"] {
                    assert!(!shown.contains(secret), "{name}: {secret} in {shown}");
                }
            }
        }
    }
}

#[test]
fn a_hidden_presentity_looks_the_same_whatever_it_does() {
    let masked = |event: &PresenceEvent| body(event, Detail::Sip, View::Hidden);
    let idle = masked(&fixtures::user(vec![], vec![]));

    for (name, event) in fixtures::all() {
        assert_eq!(masked(&event), idle, "{name}");
    }
}

#[test]
fn a_document_that_never_changed_has_no_sequence() {
    let document =
        fixtures::document_of(lampfield_core::ExtensionType::User, Settings::default(), vec![]);
    let source = BodySource {
        extension: fixtures::key().extension,
        sequence: None,
        document: &document,
        ended: &[],
    };
    let mut out = Vec::new();
    write_body_of(&mut out, source, Detail::Plain, View::Full, WireOptions::default());

    assert!(out.starts_with(
        br#"{"extensionId":"900200300","telephonyStatus":"NoCall","presenceStatus":"Available","#
    ));
}

#[test]
fn clients_match_the_event_path_literally() {
    let path = |detail| {
        let mut out = Vec::new();
        write_event_path(&mut out, fixtures::key(), detail, WireOptions::default());
        String::from_utf8(out).expect("UTF-8")
    };
    let plain = "/restapi/v1.0/account/~/extension/900200300/presence";

    assert_eq!(path(Detail::Plain), plain);
    assert_eq!(path(Detail::Detailed), format!("{plain}?detailedTelephonyState=true"));
    assert_eq!(path(Detail::Sip), format!("{plain}?detailedTelephonyState=true&sipData=true"));
}

#[test]
fn the_account_list_keeps_its_flags_in_its_links() {
    let event = fixtures::user(vec![], vec![]);
    let page = Page { request: PageRequest { page: 1, per_page: 1 }, total: 2 };
    let flags = ResourceFlags { detail: Detail::Sip, total_active_calls: false };
    let records = vec![resource(&event, Detail::Sip, View::Full)];

    let list =
        account_presence("https://presence.example", event.key.account, records, &page, flags);
    insta::assert_snapshot!(serde_json::to_string_pretty(&list).expect("JSON"));
}

#[test]
fn flags_are_read_from_the_query_as_clients_write_them() {
    let flags = |query| ResourceFlags::from_query(&lampfield_contract::parse_query(query));
    let expected = |detail, total_active_calls| ResourceFlags { detail, total_active_calls };

    assert_eq!(flags(""), expected(Detail::Plain, false));
    assert_eq!(flags("detailedTelephonyState=True"), expected(Detail::Detailed, false));
    assert_eq!(
        flags("detailedTelephonyState=true&sipData=true&totalActiveCalls"),
        expected(Detail::Sip, true)
    );
    assert_eq!(flags("sipData=true"), expected(Detail::Sip, false));
    assert_eq!(flags("detailedTelephonyPresence=true&x"), expected(Detail::Plain, false));
    assert_eq!(flags("detailedTelephonyState=false"), expected(Detail::Plain, false));
}
