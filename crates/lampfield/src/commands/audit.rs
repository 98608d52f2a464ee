//! `audit`: who changed what, newest first.

use serde_json::Value;

use super::directory::{cell, list};
use crate::cli::{AuditArgs, Common};
use crate::door::{Door, records};
use crate::screen::Screen;

/// Entries that are asked for at a time.
const PAGE: usize = 1000;
const COLUMNS: [&str; 5] = ["at", "by", "act", "object", "changes"];

pub(super) async fn audit(
    args: AuditArgs,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let door = Door::open(common)?;
    let entries = newest(&door, &args).await;
    door.close().await;
    let entries = entries?;
    if screen.json {
        return list(screen, &Value::Array(entries), &COLUMNS);
    }
    let rows = entries.iter().map(for_people).collect();
    list(screen, &Value::Array(rows), &COLUMNS)
}

async fn newest(door: &Door, args: &AuditArgs) -> anyhow::Result<Vec<Value>> {
    let of = if args.house { "/audit".to_owned() } else { door.of_account("/audit") };
    let per_page = args.limit.clamp(1, PAGE);
    let mut entries = Vec::new();
    for page in 1.. {
        let answer = door.get(&format!("{of}?page={page}&perPage={per_page}")).await?;
        let found = records(&answer);
        entries.extend_from_slice(found);
        if found.len() < per_page || entries.len() >= args.limit {
            break;
        }
    }
    entries.truncate(args.limit);
    Ok(entries)
}

/// Puts who did it and what changed into one column each.
fn for_people(entry: &Value) -> Value {
    let mut row = entry.clone();
    let actor = &entry["actor"];
    row["by"] = match actor["name"].as_str() {
        Some(name) => name.into(),
        None => format!("extension {} through {}", cell(&actor["id"]), cell(&actor["app"])).into(),
    };
    let changes = entry["changes"].as_array().map_or(&[][..], Vec::as_slice);
    row["changes"] = changes.iter().map(told).collect::<Vec<_>>().join("; ").into();
    row
}

fn told(change: &Value) -> String {
    let (member, before, after) =
        (cell(&change["member"]), change["before"].as_str(), change["after"].as_str());
    match (before, after) {
        (None, None) => member,
        (None, Some(after)) => format!("{member} {after}"),
        (Some(before), None) => format!("{member} {before} -> nothing"),
        (Some(before), Some(after)) => format!("{member} {before} -> {after}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_one_line_for_people() {
        let entry = json!({
            "at": "2026-01-02T03:04:05.678Z",
            "act": "extension.update",
            "object": "1001",
            "actor": { "kind": "extension", "id": "1003", "app": "board" },
            "changes": [
                { "member": "number", "before": "101", "after": "102" },
                { "member": "email", "before": "a@b" },
                { "member": "groups", "after": "Sales" },
                { "member": "message" },
            ],
        });
        let row = for_people(&entry);
        assert_eq!(row["by"], "extension 1003 through board");
        assert_eq!(
            row["changes"],
            "number 101 -> 102; email a@b -> nothing; groups Sales; message"
        );
    }
}
