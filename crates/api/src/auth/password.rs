//! Passwords: Argon2id, on threads that may block, a few at a time.

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// The longest password that is looked at, in bytes.
pub const PASSWORD_MAX: usize = 256;

/// A hash of nothing in particular: checked when there is no user, so that an answer takes as long
/// as it takes for a user who exists.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGFtcGZpZWxkLW5vYm9keQ$\
                      3zQ9o4m0r0Q7d8m8T1Rk1v4m3pZb8m8T1Rk1v4m3pZY";

/// Why a password was neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too long.
    #[error("a password has at most {PASSWORD_MAX} bytes")]
    TooLong,
    /// Empty.
    #[error("a password must not be empty")]
    Empty,
    /// The machine could not.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

/// Checks and hashes passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    places: Semaphore,
}

impl Passwords {
    /// Makes room for `places` checks at a time.
    pub(crate) fn new(places: usize) -> Self {
        Self { places: Semaphore::new(places.max(1)) }
    }

    /// Hashes a password for keeping.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub(crate) async fn hash(&self, password: &str) -> Result<Box<str>, PasswordError> {
        if password.is_empty() {
            return Err(PasswordError::Empty);
        }
        if password.len() > PASSWORD_MAX {
            return Err(PasswordError::TooLong);
        }
        let password = password.to_owned();
        self.work(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string().into_boxed_str()).map_err(|error| error.to_string())
        })
        .await
        .and_then(|hash| hash.map_err(PasswordError::Failed))
    }

    /// Tells whether `password` is the one that was kept; `None` for a user who has none.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] when it could not be found out.
    pub(crate) async fn is_right(
        &self,
        password: &str,
        kept: Option<&str>,
    ) -> Result<bool, PasswordError> {
        if password.len() > PASSWORD_MAX {
            return Ok(false);
        }
        let exists = kept.is_some();
        let password = password.to_owned();
        let kept = kept.unwrap_or(NOBODY).to_owned();
        let right = self
            .work(move || Argon2::default().verify_password(password.as_bytes(), &*kept).is_ok())
            .await?;
        Ok(right && exists)
    }

    async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |error: &dyn std::fmt::Display| PasswordError::Failed(error.to_string());
        let _place = self.places.acquire().await.map_err(|error| failed(&error))?;
        tokio::task::spawn_blocking(task).await.map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_right_only_for_the_user_who_has_it() {
        let passwords = Passwords::new(1);
        let kept = passwords.hash("correct horse").await.unwrap();

        assert!(kept.starts_with("$argon2id$"));
        assert!(passwords.is_right("correct horse", Some(&kept)).await.unwrap());
        assert!(!passwords.is_right("wrong horse", Some(&kept)).await.unwrap());
        assert!(!passwords.is_right("correct horse", None).await.unwrap());
    }

    #[test]
    fn the_hash_of_nobody_is_one_that_takes_as_long_as_a_real_one() {
        let parsed = argon2::PasswordHash::new(NOBODY).unwrap();
        let real = Argon2::default().hash_password(b"x").unwrap();

        assert_eq!(parsed.params, real.params);
        assert_eq!(parsed.algorithm, real.algorithm);
    }

    #[tokio::test]
    async fn empty_and_endless_passwords_are_not_taken() {
        let passwords = Passwords::new(1);

        assert!(matches!(passwords.hash("").await, Err(PasswordError::Empty)));
        let endless = "x".repeat(PASSWORD_MAX + 1);
        assert!(matches!(passwords.hash(&endless).await, Err(PasswordError::TooLong)));
        assert!(!passwords.is_right(&endless, None).await.unwrap());
    }
}
