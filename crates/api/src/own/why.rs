//! Why a presence is what it is, now or at a past sequence: the rule that won, the claims it rests
//! on, since when and until when, and who may see it.

use std::sync::Arc;

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, BodySource, format_timestamp, write_body_of};
use lampfield_core::directory::{Extension, Role};
use lampfield_core::visibility::Detail;
use lampfield_core::{
    CallerIdVisibility, Claim, DndStatus, Document, ExtensionKey, Fact, MeetingStatus, Position,
    Rule, Sequence, TelephonyStatus, UserStatus, View, see,
};
use lampfield_journal::{Page, Record};
use serde_json::{Value, json};

use crate::edge::{Answer, Query, Refusal, ok};
use crate::own::Visitor;
use crate::presence::with_document;
use crate::state::ApiState;

/// `GET /accounts/{account}/extensions/{extension}/why`.
pub(super) async fn read(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, extension)): Path<(String, String)>,
    query: Query,
) -> Answer {
    visitor.need(Role::Read)?;
    let extension = visitor.extension(&state, &account, &extension)?;
    let moment = match query.get("sequence") {
        None => Moment::now(&state, &extension),
        Some(text) => {
            let sequence = text.parse().map_err(|_| ApiError::invalid_parameter("sequence"))?;
            Moment::past(&state, &extension, Sequence(sequence)).await?
        }
    };
    let (viewer, subject) = (visitor.viewer(&state), extension.key.extension);
    let then = see(viewer, subject, &moment.document.settings);
    let now = with_document(&state, &extension, |it| see(viewer, subject, &it.settings));
    let view = narrower(then, now);
    if view == View::Hidden {
        let message = format!("{} does not let others see their presence", extension.name);
        return Err(ApiError::missing_permission("ReadPresenceStatus")
            .with_message(message)
            .into());
    }
    Ok(ok(&explain(&state, &extension, &moment, view)?))
}

/// What was visible then and has been hidden since is not shown any more; what was hidden then stays
/// hidden.
const fn narrower(then: View, now: View) -> View {
    match (then, now) {
        (View::Hidden, _) | (_, View::Hidden) => View::Hidden,
        (View::WithoutCallers, _) | (_, View::WithoutCallers) => View::WithoutCallers,
        (View::Full, View::Full) => View::Full,
    }
}

/// What held at some moment.
struct Moment {
    document: Arc<Document>,
    /// The change that made it so; none if nothing had changed by then.
    record: Option<Arc<Record>>,
    position: Position,
}

impl Moment {
    fn now(state: &ApiState, extension: &Extension) -> Self {
        let key = extension.key;
        let record = state.journal.newest().get(key);
        // What the journal holds may show a lease that ends earlier than it truly does.
        let document = state.intake.true_leases(key, record.as_deref());
        let position = place_of(state, key, record.as_deref());
        let document = document.unwrap_or_else(|| document_of(state, extension, record.as_deref()));
        Self { document, record, position }
    }

    async fn past(
        state: &ApiState,
        extension: &Extension,
        sequence: Sequence,
    ) -> Result<Self, Refusal> {
        let key = extension.key;
        let head = state.journal.head(key.account);
        if sequence > head.sequence {
            let message = format!("The account has come to sequence {} so far", head.sequence);
            return Err(ApiError::invalid_parameter("sequence").with_message(message).into());
        }
        let record = state.journal.as_of(key, sequence).await?;
        if record.is_none() {
            refuse_trimmed(state, key, sequence).await?;
        }
        let position = place_of(state, key, record.as_deref());
        let document = document_of(state, extension, record.as_deref());
        Ok(Self { document, record, position })
    }
}

fn document_of(state: &ApiState, extension: &Extension, record: Option<&Record>) -> Arc<Document> {
    Arc::new(match record {
        Some(record) => record.event.document.clone(),
        None => Document::initial(extension.standing, state.config.policy, state.now()),
    })
}

fn place_of(state: &ApiState, key: ExtensionKey, record: Option<&Record>) -> Position {
    let mut position = state.journal.head(key.account).position;
    if let Some(record) = record {
        position.offset = record.offset;
    }
    position
}

/// No record as of a sequence means that nothing had changed by then, as long as the log is whole.
async fn refuse_trimmed(
    state: &ApiState,
    key: ExtensionKey,
    sequence: Sequence,
) -> Result<(), Refusal> {
    let Some(oldest) = oldest_kept(state, key).await? else { return Ok(()) };
    if oldest.offset == 1 || sequence >= oldest.event.sequence {
        return Ok(());
    }
    let message = format!(
        "Sequence {sequence} is not kept any more; the oldest that is kept is {} of {}",
        oldest.event.sequence,
        format_timestamp(oldest.event.at),
    );
    Err(ApiError::not_found("sequence").with_message(message).into())
}

/// Finds the oldest record that is still kept, by halving.
async fn oldest_kept(state: &ApiState, key: ExtensionKey) -> Result<Option<Arc<Record>>, Refusal> {
    let head = state.journal.head(key.account).position;
    let (mut low, mut high) = (0, head.offset);
    let mut oldest = None;
    while low < high {
        let after = Position { offset: low + (high - low) / 2, ..head };
        match state.journal.read(key.account, after, 1).await? {
            Page::Records(records) => {
                oldest = records.into_iter().next().or(oldest);
                high = after.offset;
            }
            Page::Unrecoverable { .. } => low = after.offset + 1,
        }
    }
    Ok(oldest)
}

fn explain(
    state: &ApiState,
    extension: &Extension,
    moment: &Moment,
    view: View,
) -> Result<Value, ApiError> {
    let document = &*moment.document;
    let event = moment.record.as_ref().map(|record| &record.event);
    let sequence = event.map(|event| event.sequence);
    let claims: Vec<_> =
        document.claims.iter().map(|claim| claim_record(claim, document, view)).collect();
    let cause = event.map(|event| {
        json!({
            "act": event.cause.act.as_str(),
            "source": event.cause.source.as_str(),
            "claim": event.cause.claim.as_ref().map(lampfield_core::ClaimId::as_str),
        })
    });
    Ok(json!({
        "extension": {
            "id": extension.key.extension.to_string(),
            "number": extension.number.as_str(),
            "name": extension.name,
        },
        "sequence": sequence.map(|sequence| sequence.0),
        "position": moment.position.to_string(),
        "at": event.map(|event| format_timestamp(event.at)),
        "presence": plain_body(state, extension, document, sequence, view)?,
        "rule": { "name": document.rule.as_str(), "sentence": document.rule.sentence() },
        "since": {
            "presence": event.map(|_| format_timestamp(document.presence_since)),
            "telephony": event.map(|_| format_timestamp(document.telephony_since)),
        },
        "until": until(document).map(format_timestamp),
        "claims": claims,
        "settings": settings_record(document),
        "cause": cause,
        "visibleTo": visible_to(document),
    }))
}

fn plain_body(
    state: &ApiState,
    extension: &Extension,
    document: &Document,
    sequence: Option<Sequence>,
    view: View,
) -> Result<Value, ApiError> {
    let source = BodySource { extension: extension.key.extension, sequence, document, ended: &[] };
    let mut body = Vec::with_capacity(512);
    let wire = state.delivery.house().config.wire;
    write_body_of(&mut body, source, Detail::Plain, view, wire);
    serde_json::from_slice(&body).map_err(|_| ApiError::internal())
}

fn claim_record(claim: &Claim, document: &Document, view: View) -> Value {
    let value = match &claim.fact {
        Fact::Call(call) => call.telephony_status.as_str(),
        Fact::Meeting(meeting) => meeting.as_str(),
        Fact::Registration(registration) => match registration {
            lampfield_core::claim::Registration::Registered => "Registered",
            lampfield_core::claim::Registration::Unregistered => "Unregistered",
        },
        Fact::Dnd(dnd) => dnd.as_str(),
        Fact::UserStatus(user) => user.as_str(),
    };
    let mut record = json!({
        "source": claim.source.as_str(),
        "id": claim.id.as_str(),
        "kind": claim.kind().as_str(),
        "value": value,
        "since": format_timestamp(claim.since),
        "observedAt": format_timestamp(claim.observed_at),
        "expiresAt": format_timestamp(claim.expires_at),
        "stale": claim.stale_since.is_some(),
        "decides": decides(claim, document),
    });
    if let Some(call) = claim.call() {
        record["direction"] = json!(call.direction.as_str());
        if view == View::Full {
            record["from"] = json!(call.from.as_deref());
            record["to"] = json!(call.to.as_deref());
            record["fromName"] = json!(call.from_name.as_deref());
            record["toName"] = json!(call.to_name.as_deref());
        }
    }
    record
}

/// Tells whether the rule that won rests on a claim.
fn decides(claim: &Claim, document: &Document) -> bool {
    match (document.rule, &claim.fact) {
        (Rule::OnCall, Fact::Call(call)) => matches!(
            call.telephony_status,
            TelephonyStatus::CallConnected | TelephonyStatus::OnHold
        ),
        (Rule::Parked, Fact::Call(call)) => call.telephony_status == TelephonyStatus::ParkedCall,
        (Rule::InMeeting, Fact::Meeting(meeting)) => *meeting == MeetingStatus::Connected,
        (Rule::DoNotDisturb, Fact::Dnd(dnd)) => *dnd == DndStatus::DoNotAcceptAnyCalls,
        (Rule::UserOffline, Fact::UserStatus(user)) => *user == UserStatus::Offline,
        (Rule::UserBusy, Fact::UserStatus(user)) => *user == UserStatus::Busy,
        _ => false,
    }
}

/// Returns when the first claim ends on which the winning rule rests; none if a setting holds it.
fn until(document: &Document) -> Option<lampfield_core::Timestamp> {
    let settings = &document.settings;
    let deciding = document.claims.iter().filter(|claim| decides(claim, document));
    let is_set = match document.rule {
        // A timed choice lies over the setting: it counts alone while it lives.
        Rule::UserOffline => settings.user_status == UserStatus::Offline,
        Rule::UserBusy => settings.user_status == UserStatus::Busy,
        Rule::DoNotDisturb => settings.dnd_status == DndStatus::DoNotAcceptAnyCalls,
        Rule::NoPresence | Rule::OnCall | Rule::Parked | Rule::InMeeting | Rule::Otherwise => false,
    };
    if is_set { None } else { deciding.map(|claim| claim.expires_at).min() }
}

fn settings_record(document: &Document) -> Value {
    let settings = &document.settings;
    json!({
        "userStatus": settings.user_status.as_str(),
        "dndStatus": settings.dnd_status.as_str(),
        "message": settings.message.as_deref(),
        "allowSeeMyPresence": settings.allow_see_my_presence,
        "callerIdVisibility": settings.caller_id_visibility.as_str(),
        "ringOnMonitoredCall": settings.ring_on_monitored_call,
        "pickUpCallsOnHold": settings.pick_up_calls_on_hold,
    })
}

fn visible_to(document: &Document) -> Value {
    let settings = &document.settings;
    let callers = match settings.caller_id_visibility {
        CallerIdVisibility::All => "everybody",
        CallerIdVisibility::None => "nobody",
        CallerIdVisibility::PermittedUsers => "listed",
    };
    json!({
        "everybody": settings.allow_see_my_presence,
        "callers": callers,
        "permitted": settings.permitted.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
