//! Everything that a source knows of an account: what it does not repeat is withdrawn.

use std::collections::HashSet;

use axum::extract::{Path, Request, State};
use lampfield_contract::{ApiError, parse_object};
use lampfield_core::directory::Role;
use lampfield_core::{AccountId, Claim, ExtensionId};
use serde_json::json;

use crate::edge::{Answer, Refusal, ok, read};
use crate::own::Visitor;
use crate::own::bounds::{LONG_BODY_TIMEOUT, PICTURE_BODY_MAX};
use crate::own::claims::{Maker, REPORTED, claim_id_of, lease_of, list_name, source_of};
use crate::own::fields::Fields;
use crate::own::visitor::find_extension;
use crate::state::ApiState;

/// `PUT …/sources/{source}/picture`.
///
/// A picture that cannot be read is refused whole: a part that is left out would mean that it is
/// over. Extensions that do not exist are told, and harm no other.
pub(super) async fn put(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, source)): Path<(String, String)>,
    request: Request,
) -> Answer {
    visitor.need(Role::Ingest)?;
    let account = visitor.account(&state, &account)?.id;
    let source = source_of(&source)?;
    let body = read(request, PICTURE_BODY_MAX, LONG_BODY_TIMEOUT).await?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    if fields.list("extensions")?.is_none() {
        return Err(fields.wrong("extensions", "a list; an empty one withdraws everything").into());
    }
    let now = state.now();
    let maker = Maker { source: &source, now, lease: lease_of(&fields)? };
    let observed_at = maker.observed_at(&fields)?;
    let (claims, mut refused) = read_extensions(&state, account, &maker, &fields)?;
    let receipt = state.intake.picture(account, source, claims, observed_at).await?;
    refused.extend(receipt.refused.into_iter().map(|(extension, error)| {
        let reason = Refusal::from(error).0.message;
        json!({ "extension": extension.to_string(), "reason": reason })
    }));
    Ok(ok(&json!({
        "changed": receipt.changed,
        "withdrawn": receipt.withdrawn,
        "sequence": receipt.sequence.0,
        "refused": refused,
    })))
}

type Claims = Vec<(ExtensionId, Vec<Claim>)>;

fn read_extensions(
    state: &ApiState,
    account: AccountId,
    maker: &Maker<'_>,
    fields: &Fields<'_>,
) -> Result<(Claims, Vec<serde_json::Value>), ApiError> {
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for part in fields.objects("extensions")? {
        let text = part
            .id("extension")?
            .ok_or_else(|| part.wrong("extension", "given: an id, or n:101"))?;
        let claims = read_claims(maker, &part)?;
        match find_extension(state, account, &text) {
            Some(extension) => found.push((extension.key.extension, claims)),
            None => unknown.push(json!({
                "extension": text,
                "reason": "There is no such extension in the account",
            })),
        }
    }
    Ok((found, unknown))
}

fn read_claims(maker: &Maker<'_>, part: &Fields<'_>) -> Result<Vec<Claim>, ApiError> {
    let mut claims = Vec::new();
    let mut seen = HashSet::new();
    for kind in REPORTED {
        for one in part.objects(list_name(kind))? {
            let text = one.id("id")?.ok_or_else(|| one.wrong("id", "given"))?;
            let id = claim_id_of(&text, &one.path_of("id"))?;
            if !seen.insert((kind, id.clone())) {
                return Err(one.wrong("id", "named once for each thing"));
            }
            claims.push(maker.claim(kind, id, &one)?);
        }
    }
    Ok(claims)
}
