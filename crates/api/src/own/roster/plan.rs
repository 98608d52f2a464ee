//! What the rows of an import come to: which extensions are made or changed, and which rows are not
//! taken. Touches nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lampfield_core::directory::{Extension, Permissions};
use lampfield_core::{
    AccountId, ExtensionId, ExtensionKey, ExtensionStatus, ExtensionType, Standing,
};
use smol_str::SmolStr;

use crate::own::bounds::{ID_ASKED_MAX, QUEUES_MAX};
use crate::own::profile;
use crate::own::roster::sheet::{Rejection, Row};

/// The directory before the import.
pub(super) struct Before<'a> {
    /// The account.
    pub(super) account: AccountId,
    /// All of its extensions.
    pub(super) extensions: &'a [Arc<Extension>],
    /// Tells whether another account uses an id.
    pub(super) is_foreign: &'a dyn Fn(ExtensionId) -> bool,
    /// The first id for extensions that name none.
    pub(super) next_id: u64,
}

/// One extension that is made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    /// What it is now; none if it is new.
    pub(super) before: Option<Arc<Extension>>,
    /// What it becomes.
    pub(super) after: Extension,
}

/// What an import comes to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Extensions to store, in the order of the rows.
    pub(super) planned: Vec<Planned>,
    pub(super) created: usize,
    pub(super) updated: usize,
    /// Rows that say what holds already.
    pub(super) unchanged: usize,
    /// Rows that are not taken, by line.
    pub(super) rejected: Vec<Rejection>,
}

/// A row that was taken so far.
struct Taken<'a> {
    row: &'a Row,
    planned: Planned,
}

/// Decides what the rows come to.
pub(super) fn plan(rows: &[Row], before: &Before<'_>) -> Plan {
    let mut planner = Planner::new(rows, before);
    let mut taken: Vec<Taken<'_>> = Vec::with_capacity(rows.len());
    for row in rows {
        match planner.take(row) {
            Ok(change) => taken.push(Taken { row, planned: change }),
            Err(rejection) => planner.rejected.push(rejection),
        }
    }
    // A row that is not taken may make another one wrong: its number is not free after all, or it
    // was the queue that another one names.
    while planner.settle(&mut taken) {}
    planner.finish(taken)
}

struct Planner<'a> {
    before: &'a Before<'a>,
    by_id: HashMap<ExtensionId, &'a Arc<Extension>>,
    by_number: HashMap<&'a str, &'a Arc<Extension>>,
    /// Ids that rows name.
    named: HashSet<u64>,
    next_id: u64,
    numbers_seen: HashMap<SmolStr, u64>,
    ids_seen: HashMap<ExtensionId, u64>,
    rejected: Vec<Rejection>,
}

impl<'a> Planner<'a> {
    fn new(rows: &[Row], before: &'a Before<'a>) -> Self {
        let extensions = before.extensions;
        Self {
            before,
            by_id: extensions.iter().map(|it| (it.key.extension, it)).collect(),
            by_number: extensions.iter().map(|it| (it.number.as_str(), it)).collect(),
            named: rows.iter().filter_map(|row| row.cell("id")?.parse().ok()).collect(),
            next_id: before.next_id,
            numbers_seen: HashMap::new(),
            ids_seen: HashMap::new(),
            rejected: Vec::new(),
        }
    }

    /// Reads one row by itself.
    fn take(&mut self, row: &Row) -> Result<Planned, Rejection> {
        let number = row.cell("number").unwrap_or_default();
        let number = checked(row, "number", profile::number(number))?;
        if let Some(line) = self.numbers_seen.get(&number) {
            let reason = format!("number {number} stands in line {line} already");
            return Err(row.reject("number", reason));
        }
        self.numbers_seen.insert(number.clone(), row.line);
        let before = self.meant(row, &number)?;
        let id = match (&before, filled(row, "id")) {
            (Some(before), _) => before.key.extension,
            (None, Some(text)) => asked_id(row, text)?,
            (None, None) => self.fresh_id(row)?,
        };
        if let Some(line) = self.ids_seen.insert(id, row.line) {
            let reason = format!("the extension of line {line} is meant, again");
            return Err(row.reject("id", reason));
        }
        let mut after = match &before {
            Some(before) => Extension::clone(before),
            None => blank(ExtensionKey { account: self.before.account, extension: id }),
        };
        after.number = number;
        fill(row, &mut after)?;
        Ok(Planned { before, after })
    }

    /// Finds the extension that a row speaks of: by id, if it has one, else by number.
    fn meant(&self, row: &Row, number: &str) -> Result<Option<Arc<Extension>>, Rejection> {
        let Some(text) = filled(row, "id") else {
            return Ok(self.by_number.get(number).map(|it| Arc::clone(it)));
        };
        let id: ExtensionId = text.parse().map_err(|_| bad_id(row))?;
        if let Some(known) = self.by_id.get(&id) {
            return Ok(Some(Arc::clone(known)));
        }
        if (self.before.is_foreign)(id) {
            return Err(row.reject("id", format!("id {id} is in use")));
        }
        Ok(None)
    }

    fn fresh_id(&mut self, row: &Row) -> Result<ExtensionId, Rejection> {
        while self.named.contains(&self.next_id) {
            self.next_id += 1;
        }
        let id = ExtensionId::new(self.next_id);
        self.next_id += 1;
        id.map_err(|_| row.reject("id", "there is no free id left"))
    }

    /// Looks at all rows together; tells whether any had to be given up.
    fn settle(&mut self, taken: &mut Vec<Taken<'_>>) -> bool {
        let after = After::of(self, taken);
        let mut rejections = Vec::new();
        let queues: Vec<_> = taken
            .iter()
            .map(|one| after.check(one).map_err(|rejection| rejections.push(rejection)).ok())
            .collect();
        let mut queues = queues.into_iter();
        taken.retain_mut(|one| match queues.next().flatten() {
            None => false,
            Some(None) => true,
            Some(Some(queues)) => {
                one.planned.after.queues = queues;
                true
            }
        });
        let gave_up = !rejections.is_empty();
        self.rejected.append(&mut rejections);
        gave_up
    }

    fn finish(mut self, taken: Vec<Taken<'_>>) -> Plan {
        self.rejected.sort_by_key(|rejection| rejection.line);
        let mut plan = Plan { rejected: self.rejected, ..Plan::default() };
        for Taken { planned, .. } in taken {
            match &planned.before {
                Some(before) if **before == planned.after => {
                    plan.unchanged += 1;
                    continue;
                }
                Some(_) => plan.updated += 1,
                None => plan.created += 1,
            }
            plan.planned.push(planned);
        }
        plan
    }
}

/// The directory as it would be after the rows that are taken.
struct After {
    numbers: HashMap<SmolStr, Vec<ExtensionId>>,
    kinds: HashMap<ExtensionId, ExtensionType>,
}

impl After {
    fn of(planner: &Planner<'_>, taken: &[Taken<'_>]) -> Self {
        let changed: HashSet<_> = taken.iter().map(|it| it.planned.after.key.extension).collect();
        let kept = planner.before.extensions.iter().map(|it| &**it);
        let kept = kept.filter(|it| !changed.contains(&it.key.extension));
        let mut after = Self { numbers: HashMap::new(), kinds: HashMap::new() };
        for extension in kept.chain(taken.iter().map(|it| &it.planned.after)) {
            let id = extension.key.extension;
            after.numbers.entry(extension.number.clone()).or_default().push(id);
            after.kinds.insert(id, extension.standing.kind);
        }
        after
    }

    /// Checks what a row says of others; returns its queues, if it says any.
    fn check(&self, one: &Taken<'_>) -> Result<Option<Box<[ExtensionId]>>, Rejection> {
        let (row, extension) = (one.row, &one.planned.after);
        let holders = self.numbers.get(&extension.number).map_or(&[][..], Vec::as_slice);
        if holders.len() > 1 {
            let reason = format!("number {} belongs to another extension", extension.number);
            return Err(row.reject("number", reason));
        }
        let Some(cell) = row.cell("queues") else { return Ok(None) };
        let mut queues = Vec::new();
        for number in cell.split(';').map(str::trim).filter(|number| !number.is_empty()) {
            match self.numbers.get(number).map(Vec::as_slice) {
                Some([id]) if self.kinds.get(id) == Some(&ExtensionType::Department) => {
                    queues.push(*id);
                }
                Some([_]) => {
                    let reason = format!("extension {number} is no call queue (type Department)");
                    return Err(row.reject("queues", reason));
                }
                _ => {
                    let reason = format!("there is no call queue {number}");
                    return Err(row.reject("queues", reason));
                }
            }
        }
        if queues.len() > QUEUES_MAX {
            return Err(row.reject("queues", format!("it must be at most {QUEUES_MAX} queues")));
        }
        queues.sort_unstable();
        queues.dedup();
        Ok(Some(queues.into()))
    }
}

fn blank(key: ExtensionKey) -> Extension {
    Extension {
        key,
        number: SmolStr::default(),
        name: "".into(),
        email: "".into(),
        standing: Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled },
        groups: Box::default(),
        queues: Box::default(),
        editable_member_status: true,
        permissions: Permissions::ordinary(),
    }
}

/// Takes over the cells that stand for themselves. An empty type, status or admin says nothing; an
/// empty email or list empties it.
fn fill(row: &Row, after: &mut Extension) -> Result<(), Rejection> {
    let name = row.cell("name").unwrap_or_default();
    after.name = checked(row, "name", profile::name(name))?;
    if let Some(email) = row.cell("email") {
        after.email = checked(row, "email", profile::email(email))?;
    }
    if let Some(kind) = filled(row, "type") {
        after.standing.kind = checked(row, "type", profile::kind(kind))?;
    }
    after.editable_member_status |= after.standing.kind != ExtensionType::Department;
    if let Some(status) = filled(row, "status") {
        after.standing.status = checked(row, "status", profile::status(status))?;
    }
    if let Some(groups) = row.cell("groups") {
        after.groups = checked(row, "groups", profile::groups(groups.split(';')))?;
    }
    if let Some(admin) = filled(row, "admin") {
        let is_admin = match admin.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => true,
            "false" | "no" | "0" => false,
            _ => return Err(row.reject("admin", "it must be true or false")),
        };
        after.permissions = profile::permissions(after.permissions, is_admin);
    }
    Ok(())
}

fn filled<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.cell(column).filter(|text| !text.is_empty())
}

fn checked<T>(row: &Row, column: &'static str, value: profile::Checked<T>) -> Result<T, Rejection> {
    value.map_err(|expected| row.reject(column, format!("it must be {expected}")))
}

/// Reads the id of a new extension.
fn asked_id(row: &Row, text: &str) -> Result<ExtensionId, Rejection> {
    let id = text.parse().ok().filter(|id: &ExtensionId| id.get() <= ID_ASKED_MAX);
    id.ok_or_else(|| bad_id(row))
}

fn bad_id(row: &Row) -> Rejection {
    row.reject("id", format!("it must be a decimal number between 1 and {ID_ASKED_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own::roster::sheet::read;

    fn account() -> AccountId {
        AccountId::new(1).unwrap()
    }

    fn extension(id: u64, number: &str, kind: ExtensionType) -> Arc<Extension> {
        let key = ExtensionKey { account: account(), extension: ExtensionId::new(id).unwrap() };
        let mut extension = blank(key);
        extension.number = number.into();
        extension.name = "Somebody".into();
        extension.standing.kind = kind;
        Arc::new(extension)
    }

    fn plan_of(text: &str, extensions: &[Arc<Extension>]) -> Plan {
        let (rows, unread) = read(text.as_bytes()).unwrap();
        assert_eq!(unread, []);
        let is_foreign = |id: ExtensionId| id.get() == 999;
        let before =
            Before { account: account(), extensions, is_foreign: &is_foreign, next_id: 50 };
        plan(&rows, &before)
    }

    fn told(plan: &Plan) -> Vec<(u64, &str, &str)> {
        let one = |it: &'_ Rejection| (it.line, it.column.unwrap_or(""));
        plan.rejected
            .iter()
            .map(|it| (one(it).0, it.column.unwrap_or(""), it.reason.as_str()))
            .collect()
    }

    #[test]
    fn rows_make_change_and_confirm_extensions() {
        let known =
            [extension(1, "101", ExtensionType::User), extension(2, "102", ExtensionType::User)];
        let plan = plan_of("number,name,admin\n101,Somebody,\n102,Ada,yes\n103,Grace,no\n", &known);

        assert_eq!((plan.created, plan.updated, plan.unchanged), (1, 1, 1));
        let ids: Vec<_> = plan.planned.iter().map(|it| it.after.key.extension.get()).collect();
        assert_eq!(ids, [2, 50]);
        assert!(plan.planned[0].after.permissions.contains(Permissions::ADMIN));
        assert_eq!(plan.rejected, []);
    }

    #[test]
    fn every_bad_row_is_told_with_line_column_and_reason() {
        let text = "number,name,email,type,status,id,admin\n\
                    x,Ada,,,,,\n101,,,,,,\n102,Ada,ada,,,,\n103,Ada,,Robot,,,\n104,Ada,,,Asleep,,\n\
                    105,Ada,,,,abc,\n106,Ada,,,,,maybe\n107,Ada,,,,999,\n108,Ada,,,,7,\n109,Ada,,,,7,\n\
                    108,Ada,,,,,\n110,Grace,,,,,\n";
        let plan = plan_of(text, &[]);

        let lines: Vec<_> =
            told(&plan).into_iter().map(|(line, column, _)| (line, column)).collect();
        assert_eq!(
            lines,
            [
                (2, "number"),
                (3, "name"),
                (4, "email"),
                (5, "type"),
                (6, "status"),
                (7, "id"),
                (8, "admin"),
                (9, "id"),
                (11, "id"),
                (12, "number"),
            ]
        );
        assert_eq!(told(&plan)[9].2, "number 108 stands in line 10 already");
        assert_eq!(plan.created, 2);
    }

    #[test]
    fn queues_may_come_with_the_same_file_and_fall_with_it() {
        let text = "number,name,type,queues\n\
                    101,Ada,,700;701\n102,Grace,,702\n103,Alan,,101\n104,Mary,,999\n105,Joan,,\n\
                    700,Sales,Department,\n701,Help,Department,\n702,Lost,Department,998\n";
        let plan = plan_of(text, &[extension(9, "105", ExtensionType::User)]);

        assert_eq!(
            told(&plan),
            [
                (3, "queues", "there is no call queue 702"),
                (4, "queues", "extension 101 is no call queue (type Department)"),
                (5, "queues", "there is no call queue 999"),
                (9, "queues", "there is no call queue 998"),
            ]
        );
        let ada = &plan.planned[0].after;
        let queues: Vec<_> = plan.planned[2..].iter().map(|it| it.after.key.extension).collect();
        assert_eq!(&*ada.queues, queues);
    }

    #[test]
    fn two_extensions_can_change_numbers_and_a_taken_number_is_refused() {
        let known =
            [extension(1, "101", ExtensionType::User), extension(2, "102", ExtensionType::User)];

        let swap = plan_of("id,number,name\n1,102,A\n2,101,B\n", &known);
        assert_eq!((swap.updated, swap.rejected.len()), (2, 0));

        let taken = plan_of("id,number,name\n1,102,A\n", &known);
        assert_eq!(told(&taken), [(2, "number", "number 102 belongs to another extension")]);

        // The swap fails half: then the other half cannot be done either.
        let half = plan_of("id,number,name\n1,102,A\n2,101,\n", &known);
        assert_eq!(half.rejected.len(), 2);
        assert_eq!(half.updated, 0);
    }

    #[test]
    fn an_id_beyond_all_that_may_be_asked_for_is_refused_unless_it_is_known() {
        let known = [extension(u64::MAX >> 1, "101", ExtensionType::User)];
        let text = "number,name,id\n101,Ada,9223372036854775807\n102,Grace,9223372036854775806\n\
                    103,Alan,4503599627370496\n";
        let plan = plan_of(text, &known);

        let reason = "it must be a decimal number between 1 and 4503599627370496";
        assert_eq!(told(&plan), [(3, "id", reason)]);
        assert_eq!((plan.created, plan.updated), (1, 1));
    }

    #[test]
    fn ids_that_rows_name_are_not_given_to_others() {
        let plan = plan_of("number,name,id\n101,Ada,\n102,Grace,50\n103,Alan,51\n104,Mary,\n", &[]);

        let ids: Vec<_> = plan.planned.iter().map(|it| it.after.key.extension.get()).collect();
        assert_eq!(ids, [52, 50, 51, 53]);
    }
}
