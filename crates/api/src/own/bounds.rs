//! Every bound of the own API, by name.

use std::time::Duration;

/// Longest body of an import, in bytes.
pub(crate) const IMPORT_BODY_MAX: usize = 32 << 20;
/// Rows of an import.
pub(crate) const IMPORT_ROWS_MAX: usize = 500_000;
/// Directory changes that an import makes durable at a time.
pub(crate) const IMPORT_GROUP: usize = 1_000;
/// Extensions of an import that are told one by one in the audit trail; of a larger one only the sum.
pub(crate) const IMPORT_TOLD_MAX: usize = 1_000;
/// Longest body of a picture, in bytes.
pub(crate) const PICTURE_BODY_MAX: usize = 16 << 20;
/// Longest body of a batch, in bytes.
pub(crate) const BATCH_BODY_MAX: usize = 1 << 20;
/// Lines of a batch.
pub(crate) const BATCH_LINES_MAX: usize = 10_000;
/// How long the body of an import or a picture may take to arrive.
pub(crate) const LONG_BODY_TIMEOUT: Duration = Duration::from_secs(120);

/// Shortest lease that may be asked for.
pub(crate) const LEASE_MIN: Duration = Duration::from_secs(1);
/// Longest lease that may be asked for.
pub(crate) const LEASE_MAX: Duration = Duration::from_secs(86_400);
/// Longest time for which a person may set something with an end.
pub(crate) const TIMED_MAX: Duration = Duration::from_secs(31 * 86_400);

/// Names of accounts, extensions, applications and keys, in characters.
pub(crate) const NAME_MAX: usize = 128;
/// Short numbers, in digits.
pub(crate) const NUMBER_MAX: usize = 16;
/// Mail addresses, in bytes.
pub(crate) const EMAIL_MAX: usize = 254;
/// Names of groups, in characters.
pub(crate) const GROUP_MAX: usize = 64;
/// Groups of an extension.
pub(crate) const GROUPS_MAX: usize = 32;
/// Queues of an extension.
pub(crate) const QUEUES_MAX: usize = 64;
/// Numbers and names of a call, ids of its session, in characters.
pub(crate) const CALL_TEXT_MAX: usize = 128;
/// Parts of a call's SIP dialog, in characters.
pub(crate) const SIP_TEXT_MAX: usize = 512;
/// Addresses that an application's people can be sent back to.
pub(crate) const REDIRECT_URIS_MAX: usize = 16;
/// Longest life of a JWT credential that may be asked for, in days.
pub(crate) const JWT_DAYS_MAX: u64 = 3_650;

/// Greatest id that may be asked for. Ids that are made up here come after the greatest one: the last
/// of all would leave none. Up to here they are exact in every client's numbers, too.
pub(crate) const ID_ASKED_MAX: u64 = 1 << 52;
/// Where ids of accounts begin when they are made up here.
pub(crate) const ACCOUNTS_FROM: u64 = 100_000_001;
/// Where ids of extensions begin when they are made up here.
pub(crate) const EXTENSIONS_FROM: u64 = 200_000_001;
