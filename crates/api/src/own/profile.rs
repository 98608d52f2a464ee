//! What may stand in the fields of an extension, whether they come as JSON or as CSV. Each refusal
//! is a fragment that completes "it must be …".

use lampfield_core::directory::Permissions;
use lampfield_core::{ExtensionStatus, ExtensionType};
use smol_str::SmolStr;

use crate::own::bounds::{EMAIL_MAX, GROUP_MAX, GROUPS_MAX, NAME_MAX, NUMBER_MAX};
use crate::own::fields::{is_plain, words_of};

/// A value, or what it must be instead.
pub(super) type Checked<T> = Result<T, String>;

/// Reads a short number.
pub(super) fn number(text: &str) -> Checked<SmolStr> {
    let is_number =
        (1..=NUMBER_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(text.into()) } else { Err(format!("1 to {NUMBER_MAX} digits")) }
}

/// Reads a name.
pub(super) fn name(text: &str) -> Checked<Box<str>> {
    let text = text.trim();
    if !text.is_empty() && is_plain(text, NAME_MAX) {
        return Ok(text.into());
    }
    Err(format!("1 to {NAME_MAX} characters without line breaks"))
}

/// Reads a mail address; an empty one stands for none. Whether it works only a mail can tell.
pub(super) fn email(text: &str) -> Checked<Box<str>> {
    let is_empty = text.is_empty();
    let is_address = text.len() <= EMAIL_MAX
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && text
            .split_once('@')
            .is_some_and(|(who, host)| !who.is_empty() && !host.is_empty() && !host.contains('@'));
    if is_empty || is_address { Ok(text.into()) } else { Err("a mail address or empty".to_owned()) }
}

/// Reads a type.
pub(super) fn kind(text: &str) -> Checked<ExtensionType> {
    ExtensionType::parse(text).ok_or_else(|| format!("one of {}", words_of(ExtensionType::ALL)))
}

/// Reads a status.
pub(super) fn status(text: &str) -> Checked<ExtensionStatus> {
    ExtensionStatus::parse(text).ok_or_else(|| format!("one of {}", words_of(ExtensionStatus::ALL)))
}

/// Reads names of groups. Semicolons part them in CSV and cannot stand in one.
pub(super) fn groups<'a>(texts: impl Iterator<Item = &'a str>) -> Checked<Box<[SmolStr]>> {
    let mut groups: Vec<SmolStr> = Vec::new();
    for text in texts.map(str::trim).filter(|text| !text.is_empty()) {
        if !is_plain(text, GROUP_MAX) || text.contains(';') {
            return Err(format!("names of at most {GROUP_MAX} characters, parted by semicolons"));
        }
        if !groups.iter().any(|group| group == text) {
            groups.push(text.into());
        }
    }
    if groups.len() > GROUPS_MAX {
        return Err(format!("at most {GROUPS_MAX} groups"));
    }
    Ok(groups.into())
}

/// Returns what a user may after it was said whether they are an administrator.
pub(super) fn permissions(before: Permissions, is_admin: bool) -> Permissions {
    if is_admin {
        before.with(Permissions::ADMIN)
    } else {
        // Everything but ADMIN is ordinary.
        before.shared_with(Permissions::ordinary())
    }
}

/// Reads permissions of a user by their names. Being an administrator is said elsewhere (`admin`).
pub(super) fn permission_words<'a>(texts: impl Iterator<Item = &'a str>) -> Checked<Permissions> {
    let mut permissions = Permissions::NONE;
    for text in texts {
        let one = Permissions::parse(text).filter(|one| Permissions::ordinary().contains(*one));
        permissions = permissions.with(one.ok_or_else(|| {
            format!("a list of {}", ordinary_words(Permissions::ordinary()).join(", "))
        })?);
    }
    Ok(permissions)
}

/// Returns the names of a user's permissions, but for being an administrator.
pub(super) fn ordinary_words(permissions: Permissions) -> Vec<&'static str> {
    permissions.shared_with(Permissions::ordinary()).words().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number("101").as_deref(), Ok("101"));
        for bad in ["", "1a", "+1", " 1", "12345678901234567"] {
            assert!(number(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_have_one_at() {
        for good in ["", "a@b", "ada.l@example.org"] {
            assert!(email(good).is_ok(), "{good:?}");
        }
        for bad in ["a", "@b", "a@", "a@b@c", "a b@c", "a@b\n"] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn groups_are_trimmed_and_named_once() {
        let found = groups(["Sales", " Sales ", "", "Berlin"].into_iter()).unwrap();
        assert_eq!(&*found, ["Sales", "Berlin"]);
        assert!(groups(["a;b"].into_iter()).is_err());
    }

    #[test]
    fn an_administrator_who_is_one_no_more_keeps_the_rest() {
        let admin = permissions(Permissions::ordinary(), true);
        assert!(admin.contains(Permissions::ADMIN));
        assert_eq!(permissions(admin, false), Permissions::ordinary());
        assert_eq!(permissions(Permissions::READ_ACCOUNTS, false), Permissions::READ_ACCOUNTS);
    }
}
