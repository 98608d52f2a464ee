//! Who asks, and what they may: secrets, tokens, passwords, access.

mod caller;
mod code;
mod guard;
mod jwt;
mod password;
mod secrets;
mod vault;

pub(crate) use caller::bearer;
pub use caller::{Caller, Granted};
pub(crate) use code::{CodeGrant, Codes};
pub(crate) use guard::{Knocker, LoginGuard};
pub use jwt::issue_jwt;
pub(crate) use jwt::read_jwt;
pub(crate) use password::Passwords;
pub use password::{PASSWORD_MAX, PasswordError};
pub(crate) use secrets::TokenPair;
pub use secrets::{NoChance, Secrets, hash_secret, is_secret};
