//! Who is there: the people, queues and park slots of a simulated office.

use lampfield_core::directory::{Account, Extension, Permissions};
use lampfield_core::{
    AccountId, ExtensionId, ExtensionKey, ExtensionStatus, ExtensionType, IdError,
    document::Standing,
};
use smol_str::{SmolStr, format_smolstr};

use lampfield_core::Timestamp;

use crate::chance::Chance;

/// Number of the person whom the play leaves alone: whoever tries the demo.
pub const YOU: &str = "101";
/// Number of the second person whom the play leaves alone.
pub const OTHER: &str = "102";

/// An account with the extensions in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// The account.
    pub account: Account,
    /// Its people, queues and park slots, by number.
    pub extensions: Vec<Extension>,
}

const OFFICE_ACCOUNT: u64 = 37_439_510;
const NEIGHBOUR_ACCOUNT: u64 = 37_439_511;
/// Extension ids are this plus the short number.
const OFFICE_IDS: u64 = 6_610_371_903;
const NEIGHBOUR_IDS: u64 = 6_610_381_903;

/// Group, first and last short number.
const GROUPS: [(&str, u64, u64); 4] = [
    ("Reception", 101, 106),
    ("Sales", 107, 118),
    ("Support", 119, 130),
    ("Engineering", 131, 140),
];
/// Number, name and the group whose members it rings.
const QUEUES: [(u64, &str, &str); 2] =
    [(600, "Main line", "Reception"), (601, "Support line", "Support")];
const PARK_SLOTS: [u64; 3] = [701, 702, 703];

impl Office {
    /// Makes the demo's office: 40 people in 4 groups (101-140), 2 queues (600, 601), 3 park slots
    /// (701-703). The seed decides who sits where; ids and numbers do not depend on it.
    ///
    /// # Errors
    /// [`IdError`] never in fact: the ids are constants.
    pub fn demo(seed: u64, now: Timestamp) -> Result<Self, IdError> {
        let id = AccountId::new(OFFICE_ACCOUNT)?;
        let mut names = NAMES;
        Chance::of(seed).shuffle(&mut names);
        let mut names = names.iter();
        let mut extensions = Vec::new();
        for (group, first, last) in GROUPS {
            let queues = queues_of(group)?;
            for (number, name) in (first..=last).zip(names.by_ref()) {
                let mut person = extension(id, OFFICE_IDS, number, name, ExtensionType::User)?;
                person.email = email(name, "lampfield.example");
                person.groups = Box::new([SmolStr::new(group)]);
                person.queues.clone_from(&queues);
                person.permissions = Permissions::ordinary();
                extensions.push(person);
            }
        }
        for (number, name, group) in QUEUES {
            let mut queue = extension(id, OFFICE_IDS, number, name, ExtensionType::Department)?;
            queue.groups = Box::new([SmolStr::new(group)]);
            extensions.push(queue);
        }
        for number in PARK_SLOTS {
            let name = format!("Park {number}");
            extensions.push(extension(id, OFFICE_IDS, number, &name, ExtensionType::ParkLocation)?);
        }
        let account = account(id, "Lampfield Demo Office", "+12055550100", now);
        Ok(Self { account, extensions })
    }

    /// Makes a second, small account: its people must never learn of the first one.
    ///
    /// # Errors
    /// [`IdError`] never in fact: the ids are constants.
    pub fn neighbour(now: Timestamp) -> Result<Self, IdError> {
        let id = AccountId::new(NEIGHBOUR_ACCOUNT)?;
        let mut extensions = Vec::new();
        for (number, name) in [(101, "Nadia Petrova"), (102, "Tom Whitaker")] {
            let mut person = extension(id, NEIGHBOUR_IDS, number, name, ExtensionType::User)?;
            person.email = email(name, "neighbour.example");
            person.permissions = Permissions::ordinary();
            extensions.push(person);
        }
        let account = account(id, "Neighbour Ltd", "+12055550200", now);
        Ok(Self { account, extensions })
    }

    /// Returns the extension with a short number.
    #[must_use]
    pub fn by_number(&self, number: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.number == number)
    }
}

fn account(id: AccountId, name: &str, main_number: &str, created_at: Timestamp) -> Account {
    Account { id, name: name.into(), main_number: SmolStr::new(main_number), created_at }
}

fn extension(
    account: AccountId,
    ids: u64,
    number: u64,
    name: &str,
    kind: ExtensionType,
) -> Result<Extension, IdError> {
    Ok(Extension {
        key: ExtensionKey { account, extension: ExtensionId::new(ids + number)? },
        number: format_smolstr!("{number}"),
        name: name.into(),
        email: Box::default(),
        standing: Standing { kind, status: ExtensionStatus::Enabled },
        groups: Box::default(),
        queues: Box::default(),
        editable_member_status: true,
        permissions: Permissions::NONE,
    })
}

fn queues_of(group: &str) -> Result<Box<[ExtensionId]>, IdError> {
    let of_group = QUEUES.iter().filter(|(_, _, rung)| *rung == group);
    of_group.map(|(number, _, _)| ExtensionId::new(OFFICE_IDS + number)).collect()
}

/// `Jürgen Weiß` at `x.example` is `jurgen.weiss@x.example`.
fn email(name: &str, domain: &str) -> Box<str> {
    let mut local = String::new();
    for letter in name.to_lowercase().chars() {
        match letter {
            'a'..='z' => local.push(letter),
            ' ' => local.push('.'),
            'á' | 'ã' | 'ä' | 'å' | 'ą' => local.push('a'),
            'ç' | 'č' | 'ć' => local.push('c'),
            'é' | 'è' | 'ë' | 'ę' | 'ễ' => local.push('e'),
            'í' | 'ï' | 'ı' => local.push('i'),
            'ł' => local.push('l'),
            'ñ' | 'ń' => local.push('n'),
            'ó' | 'ö' | 'ø' | 'õ' => local.push('o'),
            'š' | 'ş' | 'ś' => local.push('s'),
            'ß' => local.push_str("ss"),
            'ú' | 'ü' => local.push('u'),
            'ž' | 'ż' => local.push('z'),
            _ => {}
        }
    }
    format!("{local}@{domain}").into_boxed_str()
}

const NAMES: [&str; 40] = [
    "Mia Okafor",
    "Jürgen Weiß",
    "Priya Raman",
    "Carlos Mendoza",
    "Aiko Tanaka",
    "Liam O'Connor",
    "Fatima Al-Sayed",
    "Søren Lindqvist",
    "Grace Mbeki",
    "Daniel Cohen",
    "Ana Lúcia Ferreira",
    "Wei Zhang",
    "Hannah Fischer",
    "Kwame Boateng",
    "Elif Yılmaz",
    "Thomas Dubois",
    "Sofia Rossi",
    "Nguyễn Minh Anh",
    "Ivan Kovačić",
    "Chloe Bennett",
    "Mateusz Wójcik",
    "Leila Haddad",
    "Noah Williams",
    "Ingrid Bakken",
    "Rahul Deshmukh",
    "Valentina Cruz",
    "Peter Novák",
    "Amara Diallo",
    "Min-jun Park",
    "Olivia Hughes",
    "Marek Zieliński",
    "Zanele Khumalo",
    "Étienne Lefèvre",
    "Yara Costa",
    "George Papadakis",
    "Siobhán Walsh",
    "Ahmed Farouk",
    "Lotte van Dijk",
    "Hiroshi Sato",
    "Maria José Quiroga",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn demo(seed: u64) -> Office {
        Office::demo(seed, Timestamp(0)).unwrap()
    }

    #[test]
    fn the_office_has_forty_people_two_queues_and_three_park_slots() {
        let office = demo(1);
        let count = |kind| {
            office.extensions.iter().filter(|extension| extension.standing.kind == kind).count()
        };
        assert_eq!(count(ExtensionType::User), 40);
        assert_eq!(count(ExtensionType::Department), 2);
        assert_eq!(count(ExtensionType::ParkLocation), 3);
        let ids: BTreeSet<_> = office.extensions.iter().map(|one| one.key.extension).collect();
        let emails: BTreeSet<_> = office.extensions.iter().map(|one| &one.email).collect();
        assert_eq!(ids.len(), 45);
        assert_eq!(emails.len(), 41, "forty different and one empty");
    }

    #[test]
    fn you_are_an_ordinary_user_in_a_queue_and_the_founding_documents_extension() {
        let office = demo(1);
        let you = office.by_number(YOU).unwrap();
        assert_eq!(you.key.extension.get(), 6_610_372_004);
        assert_eq!(you.permissions, Permissions::ordinary());
        assert_eq!(you.queues.len(), 1);
        let queue = office.extensions.iter().find(|one| one.key.extension == you.queues[0]);
        assert_eq!(queue.unwrap().number, "600");
    }

    #[test]
    fn the_seed_moves_people_but_not_numbers() {
        let (one, two) = (demo(1), demo(2));
        assert_eq!(one, demo(1));
        let numbers = |office: &Office| -> Vec<_> {
            office.extensions.iter().map(|one| (one.number.clone(), one.key)).collect()
        };
        assert_eq!(numbers(&one), numbers(&two));
        assert_ne!(one.by_number(YOU).unwrap().name, two.by_number(YOU).unwrap().name);
    }

    #[test]
    fn addresses_are_plain_letters() {
        for one in demo(5).extensions.iter().filter(|one| !one.email.is_empty()) {
            let (local, _) = one.email.split_once('@').unwrap();
            let plain = local.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'.');
            assert!(plain && local.len() > 4, "{}", one.email);
        }
        assert_eq!(&*email("Jürgen Weiß", "x.example"), "jurgen.weiss@x.example");
    }

    #[test]
    fn the_neighbour_shares_nothing_with_the_office() {
        let (office, neighbour) = (demo(1), Office::neighbour(Timestamp(0)).unwrap());
        assert_ne!(office.account.id, neighbour.account.id);
        assert_ne!(office.account.main_number, neighbour.account.main_number);
        let ids: BTreeSet<_> = office.extensions.iter().map(|one| one.key.extension).collect();
        assert!(neighbour.extensions.iter().all(|one| !ids.contains(&one.key.extension)));
    }
}
