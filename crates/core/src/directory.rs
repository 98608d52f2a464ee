//! Who and what there is: accounts, extensions, applications, log-ins, keys.
//!
//! Presence depends on these only through [`Standing`]; what a person or program may do depends on
//! scopes, permissions and roles.

use smol_str::SmolStr;
use uuid::Uuid;

use crate::document::Standing;
use crate::ids::{AccountId, AppId, ExtensionId, ExtensionKey, SessionId};
use crate::time::Timestamp;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name, for people.
    pub name: Box<str>,
    /// Its main number, by which people log in (`username`).
    pub main_number: SmolStr,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An extension of an account, as the directory knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Account and id.
    pub key: ExtensionKey,
    /// Short number (`extensionNumber`), unique in the account.
    pub number: SmolStr,
    /// Name, for people.
    pub name: Box<str>,
    /// Mail address, empty if unknown.
    pub email: Box<str>,
    /// Type and status.
    pub standing: Standing,
    /// Groups (departments, sites) it is shown under.
    pub groups: Box<[SmolStr]>,
    /// Call queues (extensions of type Department) it is a member of.
    pub queues: Box<[ExtensionId]>,
    /// Of a call queue (type Department): whether its members may choose for themselves whether they
    /// take its calls (`editableMemberStatus`). True of anything else.
    pub editable_member_status: bool,
    /// What its user may do.
    pub permissions: Permissions,
}

/// An application that logs in (`client_id`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Its name, for people.
    pub name: Box<str>,
    /// Hash of its secret; none for a public application.
    pub secret: Option<SecretHash>,
    /// What it may do.
    pub scopes: Scopes,
    /// Which account may use it; none for all.
    pub account: Option<AccountId>,
    /// How people may log in through it.
    pub grants: Grants,
    /// Where the log-in page may send people back to, letter for letter (`redirect_uri`).
    pub redirect_uris: Box<[Box<str>]>,
}

/// SHA-256 of a random secret of 256 bits. People's passwords are hashed with Argon2 instead.
pub type SecretHash = [u8; 32];

/// A way to prove who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its id; of a JWT the `jti`.
    pub id: Uuid,
    /// Whose it is.
    pub key: ExtensionKey,
    /// What it is.
    pub proof: Proof,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A password, as an Argon2 hash in PHC form. One per extension.
    Password(Box<str>),
    /// A JWT that this server signed; only its id is kept.
    Jwt {
        /// The only application that may present it; none for any.
        app: Option<AppId>,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
}

/// A log-in: what one token request began. Tokens come and go, the session stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who is logged in.
    pub key: ExtensionKey,
    /// Through which application.
    pub app: AppId,
    /// What was granted.
    pub scopes: Scopes,
    /// The credential that proved who it is: with it the session ends.
    pub credential: Uuid,
    /// When it began.
    pub created_at: Timestamp,
    /// The valid access token.
    pub access: Token,
    /// The valid refresh token.
    pub refresh: Token,
    /// The refresh token before, while its grace lasts (contract 4.4).
    pub previous_refresh: Option<Token>,
}

/// A token as it is kept: its hash and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the token.
    pub hash: SecretHash,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A key for Lampfield's own API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, by which it is listed and revoked.
    pub id: Uuid,
    /// Its name, for people.
    pub name: Box<str>,
    /// SHA-256 of the key.
    pub hash: SecretHash,
    /// The only account it is for; none for all.
    pub account: Option<AccountId>,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What an API key may do. Each role may what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read presence, `why`, streams.
    Read,
    /// Report claims as a source.
    Ingest,
    /// Everything.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[Self::Read, Self::Ingest, Self::Admin];

    /// Returns the role's stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ingest => "ingest",
            Self::Admin => "admin",
        }
    }

    /// Returns the role of a stable name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == name)
    }
}

macro_rules! word_set {
    ($(#[$meta:meta])* $name:ident { $($(#[$wmeta:meta])* $const:ident = $bit:literal, $word:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
        pub struct $name(u32);

        impl $name {
            /// Nothing.
            pub const NONE: Self = Self(0);
            $($(#[$wmeta])* pub const $const: Self = Self(1 << $bit);)+

            /// Everything.
            pub const ALL: Self = Self($((1 << $bit))|+);

            /// Returns the words of the set, in a fixed order.
            pub fn words(self) -> impl Iterator<Item = &'static str> {
                [$((Self::$const, $word)),+]
                    .into_iter()
                    .filter(move |(one, _)| self.contains(*one))
                    .map(|(_, word)| word)
            }

            /// Returns the set of one word, exact, case included.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$const),)+ _ => None }
            }

            /// Tells whether all of `other` is in it.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Returns both sets together.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Returns what both sets share.
            #[must_use]
            pub const fn shared_with(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            /// Tells whether there is nothing in it.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }
        }
    };
}

word_set! {
    /// What an application may do (contract 4.3); inclusion (EditPresence ⊃ ReadPresence …) is
    /// applied when they are granted.
    Scopes {
        /// Read presence.
        READ_PRESENCE = 0, "ReadPresence";
        /// Change presence.
        EDIT_PRESENCE = 1, "EditPresence";
        /// Read accounts and extensions; the founding document's permission.
        READ_ACCOUNTS = 2, "ReadAccounts";
        /// Change extensions.
        EDIT_EXTENSIONS = 3, "EditExtensions";
        /// Read contacts.
        READ_CONTACTS = 4, "ReadContacts";
        /// Be told by webhook.
        SUBSCRIPTION_WEBHOOK = 5, "SubscriptionWebhook";
        /// Be told by WebSocket.
        WEBSOCKET = 6, "WebSocketsSubscription";
        /// Change accounts.
        EDIT_ACCOUNTS = 7, "EditAccounts";
        /// Change contacts.
        CONTACTS = 8, "Contacts";
    }
}

impl Scopes {
    /// Returns the set with everything that its words include (contract 2.3).
    #[must_use]
    pub const fn with_included(self) -> Self {
        let mut all = self;
        if all.contains(Self::EDIT_ACCOUNTS) {
            all = all.with(Self::READ_ACCOUNTS).with(Self::EDIT_EXTENSIONS);
        }
        if all.contains(Self::EDIT_PRESENCE) {
            all = all.with(Self::READ_PRESENCE);
        }
        if all.contains(Self::CONTACTS) {
            all = all.with(Self::READ_CONTACTS);
        }
        all
    }
}

word_set! {
    /// How people may log in through an application (contract 4.1, `grant_type`).
    Grants {
        /// The log-in page.
        AUTHORIZATION_CODE = 0, "authorization_code";
        /// A JWT credential.
        JWT_BEARER = 1, "jwt-bearer";
        /// User name and password, typed into the application itself.
        PASSWORD = 2, "password";
        /// A refresh token; without it the application gets none.
        REFRESH_TOKEN = 3, "refresh_token";
    }
}

word_set! {
    /// What a user may do (contract 2.3, column U).
    Permissions {
        /// Read presence.
        READ_PRESENCE_STATUS = 0, "ReadPresenceStatus";
        /// Change one's own presence.
        EDIT_PRESENCE_STATUS = 1, "EditPresenceStatus";
        /// Read accounts (founding document: `ReadAccounts`).
        READ_ACCOUNTS = 2, "ReadAccounts";
        /// Read extensions.
        READ_EXTENSIONS = 3, "ReadExtensions";
        /// Read the company.
        READ_COMPANY_INFO = 4, "ReadCompanyInfo";
        /// Read presence settings.
        READ_PRESENCE_SETTINGS = 5, "ReadPresenceSettings";
        /// Change presence settings.
        EDIT_PRESENCE_SETTINGS = 6, "EditPresenceSettings";
        /// Administrator: may change others.
        ADMIN = 7, "Admin";
        /// Read one's own contacts: favorites.
        READ_PERSONAL_CONTACTS = 8, "ReadPersonalContacts";
        /// Change one's own contacts: favorites.
        EDIT_PERSONAL_CONTACTS = 9, "EditPersonalContacts";
    }
}

impl Permissions {
    /// What an ordinary user may.
    #[must_use]
    pub const fn ordinary() -> Self {
        Self::READ_PRESENCE_STATUS
            .with(Self::EDIT_PRESENCE_STATUS)
            .with(Self::READ_ACCOUNTS)
            .with(Self::READ_EXTENSIONS)
            .with(Self::READ_COMPANY_INFO)
            .with(Self::READ_PRESENCE_SETTINGS)
            .with(Self::EDIT_PRESENCE_SETTINGS)
            .with(Self::READ_PERSONAL_CONTACTS)
            .with(Self::EDIT_PERSONAL_CONTACTS)
    }
}
