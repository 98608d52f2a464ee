//! Accounts: list, make, show.

use axum::extract::{Path, State};
use http::StatusCode;
use lampfield_contract::{ApiError, format_timestamp, parse_object};
use lampfield_core::AccountId;
use lampfield_core::audit::{Alteration, AuditAct};
use lampfield_core::directory::{Account, Role};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};

use crate::audit::Trail;
use crate::edge::{Answer, Payload, json as answer, ok};
use crate::own::bounds::{ACCOUNTS_FROM, ID_ASKED_MAX, NAME_MAX, NUMBER_MAX};
use crate::own::fields::Fields;
use crate::own::{Visitor, conflict};
use crate::state::ApiState;

/// `GET /accounts`: every account that the visitor can reach.
pub(super) async fn list(State(state): State<ApiState>, visitor: Visitor) -> Answer {
    visitor.need(Role::Admin)?;
    let accounts = state.registry.accounts();
    let reached = accounts.iter().filter(|account| visitor.reaches(account.id));
    let records: Vec<_> = reached.map(|account| record(&state, account)).collect();
    Ok(ok(&json!({ "records": records })))
}

/// `POST /accounts`.
pub(super) async fn create(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Payload(body): Payload,
) -> Answer {
    visitor.need_whole_house()?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let name = fields.needed_text("name", NAME_MAX)?;
    let main_number = main_number(&fields)?;
    let _checking = state.registry.checking().await;
    if state.registry.account_by_number(main_number).is_some() {
        return Err(conflict("mainNumber", "another account has this main number").into());
    }
    let account = Account {
        id: new_id(&state, &fields)?,
        name: name.trim().into(),
        main_number: main_number.into(),
        created_at: state.now(),
    };
    let shown = record(&state, &account);
    let told = [
        Alteration::between("name", "", &account.name),
        Alteration::between("mainNumber", "", &account.main_number),
    ];
    let told = told.into_iter().flatten().collect();
    let (id, object) = (account.id, account.id.to_string());
    let entry = trail.entry(&state, Some(id), AuditAct::AccountCreate, &object, told);
    state.registry.apply(vec![DirectoryChange::PutAccount(account), entry]).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `GET /accounts/{account}`.
pub(super) async fn read(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
) -> Answer {
    visitor.need(Role::Admin)?;
    Ok(ok(&record(&state, &*visitor.account(&state, &account)?)))
}

fn new_id(state: &ApiState, fields: &Fields<'_>) -> Result<AccountId, ApiError> {
    if let Some(text) = fields.id("id")? {
        let id: AccountId =
            text.parse().map_err(|error| fields.wrong("id", &format!("an id ({error})")))?;
        if id.get() > ID_ASKED_MAX {
            return Err(fields.wrong("id", &format!("at most {ID_ASKED_MAX}")));
        }
        return match state.registry.account(id) {
            Some(_) => Err(conflict("id", "another account has this id")),
            None => Ok(id),
        };
    }
    let greatest = state.registry.accounts().last().map_or(0, |account| account.id.get());
    AccountId::new(ACCOUNTS_FROM.max(greatest + 1)).map_err(|_| ApiError::internal())
}

fn main_number<'a>(fields: &Fields<'a>) -> Result<&'a str, ApiError> {
    let text = fields.needed_text("mainNumber", NUMBER_MAX + 1)?;
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(text) } else { Err(fields.wrong("mainNumber", "digits, + before them")) }
}

fn record(state: &ApiState, account: &Account) -> Value {
    let (_, extensions) = state.registry.extensions(account.id, 0, 0);
    json!({
        "id": account.id.to_string(),
        "name": account.name,
        "mainNumber": account.main_number.as_str(),
        "createdAt": format_timestamp(account.created_at),
        "extensions": extensions,
    })
}
