//! What every directory store promises.

use std::sync::Arc;

use lampfield_core::{AccountId, Position, SubscriptionId};
use parking_lot::Mutex;
use uuid::Uuid;

use super::Subject;
use super::samples::{audit, extension, key, one_of_each, password, subscription};
use crate::catalogue::Catalogue;
use crate::port::{Contents, DirectoryChange, DirectoryStore};

pub(super) async fn check(make: &impl Fn() -> Subject) {
    it_is_empty_at_first(&make());
    what_is_put_is_there(make()).await;
    removals_remove(make()).await;
    an_extension_goes_with_its_credentials(make()).await;
    a_subscription_goes_with_its_cursor(make()).await;
    changes_take_effect_in_the_order_of_the_calls(make()).await;
    a_trail_is_read_newest_first_and_page_by_page(make()).await;
}

fn it_is_empty_at_first(subject: &Subject) {
    assert_eq!(listed(subject.directory.as_ref()), Vec::<String>::new());
}

async fn what_is_put_is_there(subject: Subject) {
    let mut catalogue = Catalogue::default();
    apply(&subject, &mut catalogue, one_of_each()).await;
    assert_eq!(listed(subject.directory.as_ref()), list(&catalogue.contents()));
    assert_eq!(listed(subject.directory.as_ref()).len(), one_of_each().len());
    let again = one_of_each().into_iter().map(renamed).collect();
    apply(&subject, &mut catalogue, again).await;
    assert_eq!(listed(subject.directory.as_ref()), list(&catalogue.contents()), "replaced");
}

async fn removals_remove(subject: Subject) {
    use DirectoryChange as C;
    let mut catalogue = Catalogue::default();
    apply(&subject, &mut catalogue, one_of_each()).await;
    // Backwards: the extension would take its credentials with it.
    let removals = one_of_each().into_iter().rev().filter_map(|change| match change {
        C::PutApp(app) => Some(C::RemoveApp(app.id)),
        C::PutCredential(credential) => Some(C::RemoveCredential(credential.id)),
        C::PutSession(session) => Some(C::RemoveSession(session.id)),
        C::PutKey(key) => Some(C::RemoveKey(key.id)),
        C::PutSubscription(subscription) => Some(C::RemoveSubscription(subscription.id)),
        C::PutExtension(extension) => Some(C::RemoveExtension(extension.key)),
        _ => None,
    });
    for removal in removals {
        let before = listed(subject.directory.as_ref()).len();
        apply(&subject, &mut catalogue, vec![removal.clone()]).await;
        assert_eq!(listed(subject.directory.as_ref()), list(&catalogue.contents()));
        assert!(listed(subject.directory.as_ref()).len() < before, "{removal:?}");
        apply(&subject, &mut catalogue, vec![removal]).await;
    }
    assert_eq!(listed(subject.directory.as_ref()).len(), 2, "the account and the house's value");
}

async fn an_extension_goes_with_its_credentials(subject: Subject) {
    use DirectoryChange as C;
    let mut catalogue = Catalogue::default();
    let (one, two) = (key(1, 1), key(1, 11));
    let made = vec![
        C::PutExtension(extension(one)),
        C::PutExtension(extension(two)),
        C::PutCredential(password(1, one)),
        C::PutCredential(password(2, two)),
        C::RemoveExtension(one),
    ];
    apply(&subject, &mut catalogue, made).await;
    let contents = subject.directory.load().expect("readable");
    assert_eq!(contents.extensions, [extension(two)]);
    assert_eq!(contents.credentials, [password(2, two)]);
    apply(&subject, &mut catalogue, vec![C::PutExtension(extension(one))]).await;
    assert_eq!(listed(subject.directory.as_ref()), list(&catalogue.contents()));
}

async fn a_subscription_goes_with_its_cursor(subject: Subject) {
    use DirectoryChange as C;
    let id = SubscriptionId(Uuid::from_u128(1));
    let made = subscription(1, key(1, 1));
    let place = Position { offset: 40, ..made.from };
    let mut catalogue = Catalogue::default();
    apply(&subject, &mut catalogue, vec![C::PutSubscription(made), C::PutCursor(id, place)]).await;
    assert_eq!(subject.directory.load().expect("readable").cursors, [(id, place)]);
    let late = vec![C::RemoveSubscription(id), C::PutCursor(id, place)];
    apply(&subject, &mut catalogue, late).await;
    assert_eq!(
        listed(subject.directory.as_ref()),
        Vec::<String>::new(),
        "late cursors are dropped"
    );
}

async fn changes_take_effect_in_the_order_of_the_calls(subject: Subject) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let calls: Vec<_> = (0..20_u8)
        .map(|number| {
            let told = Arc::clone(&told);
            let change = DirectoryChange::PutHouse("counter", vec![number]);
            let on_commit = Box::new(move || told.lock().push(number));
            (number, subject.directory.apply(vec![change], on_commit))
        })
        .collect();
    for (number, call) in calls.into_iter().rev() {
        call.await.expect("stored");
        assert!(told.lock().contains(&number), "on_commit runs before the answer");
    }
    assert_eq!(*told.lock(), (0..20).collect::<Vec<_>>(), "in order, once each");
    let contents = subject.directory.load().expect("readable");
    assert_eq!(contents.house, [("counter".to_owned(), vec![19])], "the last call wins");
}

async fn a_trail_is_read_newest_first_and_page_by_page(subject: Subject) {
    let trail = async |account: u64, skip, limit| {
        let page = subject.directory.audit(AccountId::new(account).ok(), skip, limit).await;
        let page = page.expect("readable");
        for record in &page.records {
            assert_eq!(record.entry, audit(account, record.number), "as it was written");
        }
        (page.records.iter().map(|record| record.number).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(trail(1, 0, 10).await, (vec![], 0), "empty at first");
    let entry = |account, number| DirectoryChange::Audit(Box::new(audit(account, number)));
    for number in 1..=5 {
        // Several trails in one step, beside other changes.
        let changes = vec![
            entry(1, number),
            DirectoryChange::PutExtension(extension(key(1, number))),
            entry(0, number),
            entry(11, number),
        ];
        subject.directory.apply(changes, Box::new(|| ())).await.expect("stored");
    }

    assert_eq!(trail(1, 0, 3).await, (vec![5, 4, 3], 5));
    assert_eq!(trail(1, 3, 3).await, (vec![2, 1], 5));
    assert_eq!(trail(1, 5, 3).await, (vec![], 5));
    assert_eq!(trail(1, u64::MAX, 3).await, (vec![], 5));
    assert_eq!(trail(0, 0, 1).await, (vec![5], 5), "the house has its own");
    assert_eq!(trail(111, 0, 9).await, (vec![], 0), "nothing of another account");
    assert_eq!(subject.directory.load().expect("readable").extensions.len(), 5);
}

pub(super) async fn check_reopening(open: &impl Fn() -> Subject) {
    let subject = open();
    let entry = DirectoryChange::Audit(Box::new(audit(1, 1)));
    subject.directory.apply(vec![entry], Box::new(|| ())).await.expect("stored");
    let mut catalogue = Catalogue::default();
    apply(&subject, &mut catalogue, one_of_each()).await;
    drop(subject);
    assert_eq!(listed(open().directory.as_ref()), list(&catalogue.contents()));
    let trail = open().directory.audit(AccountId::new(1).ok(), 0, 9).await.expect("readable");
    let entries: Vec<_> = trail.records.into_iter().map(|record| record.entry).collect();
    assert_eq!(entries, [audit(1, 1)]);
}

async fn apply(subject: &Subject, model: &mut Catalogue, changes: Vec<DirectoryChange>) {
    changes.iter().cloned().for_each(|change| model.take(change));
    subject.directory.apply(changes, Box::new(|| ())).await.expect("stored");
}

fn renamed(change: DirectoryChange) -> DirectoryChange {
    match change {
        DirectoryChange::PutExtension(mut extension) => {
            extension.name = "Grace".into();
            DirectoryChange::PutExtension(extension)
        }
        DirectoryChange::PutHouse(name, _) => DirectoryChange::PutHouse(name, vec![1]),
        other => other,
    }
}

fn listed(directory: &dyn DirectoryStore) -> Vec<String> {
    list(&directory.load().expect("readable"))
}

/// Every item as text, sorted: the order in which a store loads them does not matter.
fn list(contents: &Contents) -> Vec<String> {
    fn shown<T: std::fmt::Debug>(items: &[T]) -> impl Iterator<Item = String> {
        items.iter().map(|item| format!("{item:?}"))
    }
    let mut list: Vec<_> = shown(&contents.accounts)
        .chain(shown(&contents.extensions))
        .chain(shown(&contents.apps))
        .chain(shown(&contents.credentials))
        .chain(shown(&contents.sessions))
        .chain(shown(&contents.keys))
        .chain(shown(&contents.subscriptions))
        .chain(shown(&contents.cursors))
        .chain(shown(&contents.house))
        .collect();
    list.sort();
    list
}
