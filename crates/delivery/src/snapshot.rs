//! The picture of an account at one place of its log, as the own API and streams show it.

use std::ops::Range;
use std::sync::Arc;

use lampfield_contract::{BodySource, WireOptions, write_body_of, write_timestamp};
use lampfield_core::directory::Extension;
use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, Document, Policy, Position, Sequence, Timestamp, View, Viewer, see,
};
use lampfield_journal::{Head, Journal, Record, Registry};

/// Through whose eyes an account is looked at, and how closely.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Who looks.
    pub viewer: Viewer,
    /// How much of calls is shown.
    pub detail: Detail,
    /// Spelling choices of the wire.
    pub wire: WireOptions,
}

/// Every extension of an account with what holds of it at one place of the log.
///
/// It holds references, not copies; what is committed later does not change it.
#[derive(Debug)]
pub struct AccountSnapshot {
    account: AccountId,
    head: Head,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    extension: Arc<Extension>,
    /// None while nothing has ever changed.
    record: Option<Arc<Record>>,
}

impl AccountSnapshot {
    /// Takes the picture of an account: all its extensions by id, those included that never changed.
    #[must_use]
    pub fn take(journal: &dyn Journal, registry: &Registry, account: AccountId) -> Self {
        let newest = journal.newest().snapshot(account, 0);
        let (extensions, _) = registry.extensions(account, 0, usize::MAX);
        let mut records = newest.records.into_iter().peekable();
        let rows = extensions.into_iter().map(|extension| {
            let id = extension.key.extension;
            while records.next_if(|record| record.event.key.extension < id).is_some() {}
            let record = records.next_if(|record| record.event.key.extension == id);
            Row { extension, record }
        });
        Self { account, head: newest.head, rows: rows.collect() }
    }

    /// Returns the place and sequence at which it holds; its `ETag` is the place.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Returns how many extensions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether the account has no extension.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Appends the whole picture as one JSON object.
    pub fn write(&self, out: &mut Vec<u8>, sight: &Sight) {
        out.extend_from_slice(b"{\"position\":");
        write_text(out, &self.head.position.to_string());
        write_number(out, "sequence", self.head.sequence.0);
        out.extend_from_slice(b",\"account\":");
        write_text(out, &self.account.to_string());
        out.extend_from_slice(b",\"records\":");
        self.write_records(out, 0..self.rows.len(), sight);
        out.push(b'}');
    }

    /// Appends a JSON array with the records of some extensions, by their place in the picture.
    pub fn write_records(&self, out: &mut Vec<u8>, rows: Range<usize>, sight: &Sight) {
        out.push(b'[');
        for (index, row) in self.rows.get(rows).unwrap_or_default().iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            row.write(out, sight);
        }
        out.push(b']');
    }
}

impl Row {
    fn write(&self, out: &mut Vec<u8>, sight: &Sight) {
        out.extend_from_slice(b"{\"extension\":");
        write_extension(out, &self.extension);
        out.extend_from_slice(b",\"presence\":");
        if let Some(record) = &self.record {
            let event = &record.event;
            self.write_state(out, &event.document, Some(event.sequence), sight);
        } else {
            // The policy decides nothing while there is neither call nor choice.
            let (standing, policy) = (self.extension.standing, Policy::default());
            let initial = Document::initial(standing, policy, Timestamp::default());
            self.write_state(out, &initial, None, sight);
        }
        out.push(b'}');
    }

    fn write_state(
        &self,
        out: &mut Vec<u8>,
        document: &Document,
        sequence: Option<Sequence>,
        sight: &Sight,
    ) {
        let extension = self.extension.key.extension;
        let view = see(sight.viewer, extension, &document.settings);
        // Calls that ended with the newest change are over: an event tells them, a picture does not.
        let source = BodySource { extension, sequence, document, ended: &[] };
        write_body_of(out, source, sight.detail, view, sight.wire);
        let since = sequence.map(|_| (document.presence_since, document.telephony_since));
        write_background(out, document, since, view);
    }
}

/// Appends what the contract's body does not say: message, rule, since when, staleness; nothing of
/// it where the presence is hidden. Begins with a comma.
pub(crate) fn write_background(
    out: &mut Vec<u8>,
    document: &Document,
    since: Option<(Timestamp, Timestamp)>,
    view: View,
) {
    if view == View::Hidden {
        return;
    }
    out.extend_from_slice(b",\"message\":");
    match &document.settings.message {
        Some(message) => write_text(out, message),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"rule\":");
    write_text(out, document.rule.as_str());
    if let Some((presence, telephony)) = since {
        write_moment(out, "presenceSince", presence);
        write_moment(out, "telephonySince", telephony);
    }
    out.extend_from_slice(b",\"stale\":");
    out.extend_from_slice(if document.is_stale() { b"true" } else { b"false" });
}

/// Returns a place as it is written in `id:` lines and `position` members.
pub(crate) fn place(head: Position, offset: u64) -> Position {
    Position { offset, ..head }
}

fn write_extension(out: &mut Vec<u8>, extension: &Extension) {
    out.extend_from_slice(b"{\"id\":");
    write_text(out, &extension.key.extension.to_string());
    out.extend_from_slice(b",\"number\":");
    write_text(out, &extension.number);
    out.extend_from_slice(b",\"name\":");
    write_text(out, &extension.name);
    out.extend_from_slice(b",\"type\":");
    write_text(out, extension.standing.kind.as_str());
    out.extend_from_slice(b",\"groups\":[");
    for (index, group) in extension.groups.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(out, group);
    }
    out.extend_from_slice(b"]}");
}

fn write_moment(out: &mut Vec<u8>, name: &str, at: Timestamp) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
    write_timestamp(out, at);
    out.push(b'"');
}

/// Appends `,"name":number`.
pub(crate) fn write_number(out: &mut Vec<u8>, name: &str, number: u64) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing text into memory cannot fail; if it did, the string would be empty, not the JSON torn.
    match serde_json::to_vec(text) {
        Ok(json) => out.extend_from_slice(&json),
        Err(_) => out.extend_from_slice(b"\"\""),
    }
}
