//! The stored form of a record: version 1, compact, checked.
//!
//! A stored record is a frame around a body. The frame, which never changes, is one byte of
//! format version and four bytes of CRC32C (little endian) over a scope, the version and the
//! body. The body names account, extension, offset and sequence itself, so that a record which
//! was put into another one's place is noticed. All shapes here are the store's own: renaming or
//! reordering something in `lampfield-core` does not change what is on disk, and whoever changes
//! what is written here gives it a new version number.
//!
//! | table | key | value |
//! |---|---|---|
//! | `log` | account, offset | frame of a record |
//! | `state` | account, extension | frame of the newest record of the extension, leases up to date |
//! | `heads` | account | offset and sequence below which the account's head never falls |
//! | `directory` | kind, key | frame of a JSON document, see the module `stored` |
//! | `meta` | name | format, epoch |

mod bytes;
mod codes;

use lampfield_core::claim::Registration;
use lampfield_core::{
    AccountId, Audience, Before, Call, Cause, Changes, Claim, ClaimId, Document, EndedCall,
    ExtensionId, ExtensionKey, Fact, Lists, PresenceEvent, Sequence, Settings, SipData, SourceId,
    Standing, Timestamp,
};
use smol_str::SmolStr;

use crate::port::Record;
use bytes::{Reader, Writer};
use codes::Coded;

/// The version that is written.
pub const VERSION: u8 = 1;
/// What stands before the body: version and checksum.
const FRAME: usize = 5;
/// More records or claims than this in one list are not believed.
const LIST_MAX: u64 = 65_536;

/// Why stored bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes changed since they were written, or never were a record.
    #[error("{0}")]
    Damaged(&'static str),
    /// The bytes were written by a newer version of Lampfield.
    #[error("it has format {found}, this version knows formats up to {VERSION}; use a newer one")]
    Newer {
        /// The format found.
        found: u8,
    },
}

/// Appends the frame of `body` to `out`. `scope` is checked too, but not stored: where it stands.
pub(crate) fn seal(out: &mut Vec<u8>, scope: &[u8], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    body(out);
    let Some((frame, body)) = out[start..].split_at_mut_checked(FRAME) else { return };
    let sum = checksum(scope, VERSION, body);
    frame[1..].copy_from_slice(&sum.to_le_bytes());
}

/// Returns the body of a frame whose checksum is right.
///
/// # Errors
/// [`RecordError`].
pub(crate) fn unseal<'a>(scope: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], RecordError> {
    let [version, a, b, c, d, body @ ..] = bytes else {
        return Err(RecordError::Damaged("it is cut off"));
    };
    if checksum(scope, *version, body) != u32::from_le_bytes([*a, *b, *c, *d]) {
        return Err(RecordError::Damaged("its checksum is wrong"));
    }
    // Asked after the checksum: a flipped bit is not a newer version.
    match *version {
        VERSION => Ok(body),
        0 => Err(RecordError::Damaged("it has format 0, which does not exist")),
        found => Err(RecordError::Newer { found }),
    }
}

fn checksum(scope: &[u8], version: u8, body: &[u8]) -> u32 {
    let sum = crc32c::crc32c_append(crc32c::crc32c(scope), &[version]);
    crc32c::crc32c_append(sum, body)
}

/// Appends the stored form of `record` to `out`.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    seal(out, &[], |out| write_record(&mut Writer::new(out), record));
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`RecordError`] when a byte is not what was written.
pub fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
    let mut reader = Reader::new(unseal(&[], bytes)?);
    let record = read_record(&mut reader)?;
    reader.end()?;
    Ok(record)
}

fn write_record(w: &mut Writer<'_>, record: &Record) {
    let event = &record.event;
    w.number(event.key.account.get());
    w.number(event.key.extension.get());
    w.number(record.offset);
    w.number(event.sequence.0);
    w.number(u64::from_ne_bytes(event.at.0.to_ne_bytes()));
    w.time(event.observed_at, event.at);
    w.number(u64::from(event.changes.bits()));
    w.byte(event.cause.act.code());
    w.text(event.cause.source.as_str());
    w.optional_text(event.cause.claim.as_ref().map(ClaimId::as_str));
    write_document(w, &event.document, event.at);
    w.count(event.ended.len());
    for ended in &event.ended {
        w.text(ended.source.as_str());
        w.text(ended.claim.as_str());
        w.time(ended.since, event.at);
        write_call(w, &ended.call, event.at);
    }
    w.flags([event.before.is_some()]);
    if let Some(before) = &event.before {
        write_before(w, before);
    }
}

fn read_record(r: &mut Reader<'_>) -> Result<Record, RecordError> {
    let account = AccountId::new(r.number()?).map_err(|_| bad("its account is no id"))?;
    let extension = ExtensionId::new(r.number()?).map_err(|_| bad("its extension is no id"))?;
    let offset = r.number()?;
    let sequence = Sequence(r.number()?);
    let at = Timestamp(i64::from_ne_bytes(r.number()?.to_ne_bytes()));
    let observed_at = r.time(at)?;
    let bits = u32::try_from(r.number()?).map_err(|_| bad("its changes are no set"))?;
    let act = r.coded()?;
    let source = read_source(r)?;
    let claim = r.optional_text()?.map(claim_id).transpose()?;
    let document = read_document(r, at)?;
    let ended = r.list(LIST_MAX, |r| {
        Ok(EndedCall {
            source: read_source(r)?,
            claim: claim_id(r.text()?)?,
            since: r.time(at)?,
            call: read_call(r, at)?,
        })
    })?;
    let [has_before] = r.flags()?;
    let before = if has_before { Some(Box::new(read_before(r)?)) } else { None };
    let event = PresenceEvent {
        key: ExtensionKey { account, extension },
        sequence,
        at,
        observed_at,
        document,
        changes: Changes::from_bits(bits),
        before,
        ended: ended.into_boxed_slice(),
        cause: Cause { act, source, claim },
    };
    Ok(Record { offset, event })
}

fn write_before(w: &mut Writer<'_>, before: &Before) {
    let audience = &before.audience;
    w.flags([audience.allow_see_my_presence, before.lists != Lists::default()]);
    w.byte(audience.caller_id_visibility.code());
    w.byte(before.dnd.code());
    write_ids(w, &audience.permitted);
    if before.lists != Lists::default() {
        write_lists(w, &before.lists);
    }
}

fn read_before(r: &mut Reader<'_>) -> Result<Before, RecordError> {
    let [allow_see_my_presence, has_lists] = r.flags()?;
    let caller_id_visibility = r.coded()?;
    let dnd = r.coded()?;
    let permitted = read_ids(r)?;
    let audience = Audience { allow_see_my_presence, caller_id_visibility, permitted };
    let lists = if has_lists { read_lists(r)? } else { Lists::default() };
    Ok(Before { audience, dnd, lists })
}

fn write_document(w: &mut Writer<'_>, document: &Document, at: Timestamp) {
    w.byte(document.standing.kind.code());
    w.byte(document.standing.status.code());
    write_settings(w, &document.settings);
    w.byte(document.telephony.code());
    w.byte(document.presence.code());
    w.byte(document.rule.code());
    w.byte(document.user.code());
    w.byte(document.meeting.code());
    w.byte(document.dnd.code());
    w.time(document.presence_since, at);
    w.time(document.telephony_since, at);
    w.count(document.claims.len());
    for claim in &document.claims {
        write_claim(w, claim, at);
    }
}

fn read_document(r: &mut Reader<'_>, at: Timestamp) -> Result<Document, RecordError> {
    Ok(Document {
        standing: Standing { kind: r.coded()?, status: r.coded()? },
        settings: read_settings(r)?,
        telephony: r.coded()?,
        presence: r.coded()?,
        rule: r.coded()?,
        user: r.coded()?,
        meeting: r.coded()?,
        dnd: r.coded()?,
        presence_since: r.time(at)?,
        telephony_since: r.time(at)?,
        claims: r.list(LIST_MAX, |r| read_claim(r, at))?,
    })
}

fn write_settings(w: &mut Writer<'_>, settings: &Settings) {
    w.byte(settings.user_status.code());
    w.byte(settings.dnd_status.code());
    w.flags([
        settings.allow_see_my_presence,
        settings.ring_on_monitored_call,
        settings.pick_up_calls_on_hold,
        settings.message.is_some(),
        settings.lists.is_some(),
    ]);
    w.byte(settings.caller_id_visibility.code());
    if let Some(message) = &settings.message {
        w.text(message);
    }
    write_ids(w, &settings.permitted);
    if let Some(lists) = &settings.lists {
        write_lists(w, lists);
    }
}

fn write_lists(w: &mut Writer<'_>, lists: &Lists) {
    write_ids(w, &lists.lines);
    write_ids(w, &lists.favorites);
    write_ids(w, &lists.declined_queues);
}

fn read_lists(r: &mut Reader<'_>) -> Result<Lists, RecordError> {
    Ok(Lists { lines: read_ids(r)?, favorites: read_ids(r)?, declined_queues: read_ids(r)? })
}

fn write_ids(w: &mut Writer<'_>, ids: &[ExtensionId]) {
    w.count(ids.len());
    for id in ids {
        w.number(id.get());
    }
}

fn read_ids(r: &mut Reader<'_>) -> Result<Box<[ExtensionId]>, RecordError> {
    let ids = r.list(LIST_MAX, |r| {
        ExtensionId::new(r.number()?).map_err(|_| bad("an extension in a list is no id"))
    })?;
    Ok(ids.into_boxed_slice())
}

fn read_settings(r: &mut Reader<'_>) -> Result<Settings, RecordError> {
    let user_status = r.coded()?;
    let dnd_status = r.coded()?;
    let [
        allow_see_my_presence,
        ring_on_monitored_call,
        pick_up_calls_on_hold,
        has_message,
        has_lists,
    ] = r.flags()?;
    let caller_id_visibility = r.coded()?;
    let message = if has_message { Some(r.text()?.into()) } else { None };
    let permitted = read_ids(r)?;
    let settings = Settings {
        user_status,
        dnd_status,
        message,
        allow_see_my_presence,
        ring_on_monitored_call,
        pick_up_calls_on_hold,
        caller_id_visibility,
        permitted,
        lists: None,
    };
    Ok(if has_lists { settings.with_lists(read_lists(r)?) } else { settings })
}

fn write_claim(w: &mut Writer<'_>, claim: &Claim, at: Timestamp) {
    w.text(claim.source.as_str());
    w.text(claim.id.as_str());
    w.time(claim.since, at);
    w.time(claim.observed_at, at);
    w.time(claim.expires_at, at);
    w.flags([claim.stale_since.is_some()]);
    if let Some(stale_since) = claim.stale_since {
        w.time(stale_since, at);
    }
    match &claim.fact {
        Fact::Call(call) => {
            w.byte(0);
            write_call(w, call, at);
        }
        Fact::Meeting(meeting) => w.pair(1, meeting.code()),
        Fact::Registration(Registration::Registered) => w.pair(2, 1),
        Fact::Registration(Registration::Unregistered) => w.pair(2, 0),
        Fact::Dnd(dnd) => w.pair(3, dnd.code()),
        Fact::UserStatus(user) => w.pair(4, user.code()),
    }
}

fn read_claim(r: &mut Reader<'_>, at: Timestamp) -> Result<Claim, RecordError> {
    let source = read_source(r)?;
    let id = claim_id(r.text()?)?;
    let since = r.time(at)?;
    let observed_at = r.time(at)?;
    let expires_at = r.time(at)?;
    let [is_stale] = r.flags()?;
    let stale_since = if is_stale { Some(r.time(at)?) } else { None };
    let fact = match r.byte()? {
        0 => Fact::Call(Box::new(read_call(r, at)?)),
        1 => Fact::Meeting(r.coded()?),
        2 => Fact::Registration(match r.byte()? {
            0 => Registration::Unregistered,
            1 => Registration::Registered,
            _ => return Err(bad("a registration has an unknown state")),
        }),
        3 => Fact::Dnd(r.coded()?),
        4 => Fact::UserStatus(r.coded()?),
        _ => return Err(bad("a claim says something unknown")),
    };
    Ok(Claim { source, id, fact, since, observed_at, expires_at, stale_since })
}

fn write_call(w: &mut Writer<'_>, call: &Call, at: Timestamp) {
    w.byte(call.telephony_status.code());
    w.byte(call.direction.code());
    w.text(&call.session_id);
    w.flags([call.queue_call, call.start_time.is_some(), call.sip.is_some()]);
    if let Some(start_time) = call.start_time {
        w.time(start_time, at);
    }
    let texts = [
        &call.from,
        &call.to,
        &call.from_name,
        &call.to_name,
        &call.telephony_session_id,
        &call.party_id,
    ];
    write_texts(w, texts);
    if let Some(sip) = &call.sip {
        let texts = [&sip.call_id, &sip.to_tag, &sip.from_tag, &sip.remote_uri, &sip.local_uri];
        write_texts(w, texts);
    }
}

fn read_call(r: &mut Reader<'_>, at: Timestamp) -> Result<Call, RecordError> {
    let telephony_status = r.coded()?;
    let direction = r.coded()?;
    let session_id = SmolStr::new(r.text()?);
    let [queue_call, has_start, has_sip] = r.flags()?;
    let start_time = if has_start { Some(r.time(at)?) } else { None };
    let [from, to, from_name, to_name, telephony_session_id, party_id] = read_texts(r)?;
    let sip = if has_sip {
        let [call_id, to_tag, from_tag, remote_uri, local_uri] = read_texts(r)?;
        Some(Box::new(SipData { call_id, to_tag, from_tag, remote_uri, local_uri }))
    } else {
        None
    };
    Ok(Call {
        telephony_status,
        direction,
        queue_call,
        from,
        to,
        from_name,
        to_name,
        start_time,
        session_id,
        telephony_session_id,
        party_id,
        sip,
    })
}

/// Which are there, then those that are.
fn write_texts<const N: usize>(w: &mut Writer<'_>, texts: [&Option<SmolStr>; N]) {
    w.flags(texts.map(Option::is_some));
    for text in texts.into_iter().flatten() {
        w.text(text);
    }
}

fn read_texts<const N: usize>(r: &mut Reader<'_>) -> Result<[Option<SmolStr>; N], RecordError> {
    let present: [bool; N] = r.flags()?;
    let mut texts = [const { None }; N];
    for (text, is_present) in texts.iter_mut().zip(present) {
        if is_present {
            *text = Some(SmolStr::new(r.text()?));
        }
    }
    Ok(texts)
}

fn read_source(r: &mut Reader<'_>) -> Result<SourceId, RecordError> {
    SourceId::new(r.text()?).map_err(|_| bad("a source has no valid name"))
}

fn claim_id(text: &str) -> Result<ClaimId, RecordError> {
    ClaimId::new(text).map_err(|_| bad("a claim has no valid name"))
}

const fn bad(what: &'static str) -> RecordError {
    RecordError::Damaged(what)
}

#[cfg(test)]
mod tests;
