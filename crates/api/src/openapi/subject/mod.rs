//! The operations, subject by subject, each beside the schemas that it speaks of.

mod access;
mod administration;
mod audit;
mod directory;
mod lists;
mod oauth;
mod presence;
mod reading;
mod reporting;
mod service;
mod shared;
mod subscription;

use crate::openapi::operation::Operation;
use crate::openapi::schema::Named;

pub(super) use reading::rule;

/// A chapter of the document.
pub(super) struct Subject {
    /// Its tag.
    pub(super) tag: &'static str,
    /// What it is about.
    pub(super) about: &'static str,
    /// Its operations, in the order in which they are read.
    pub(super) operations: Vec<Operation>,
    /// The schemas that are its own.
    pub(super) schemas: Vec<Named>,
}

/// Returns every chapter, in order.
pub(super) fn all() -> Vec<Subject> {
    vec![
        presence::subject(),
        lists::subject(),
        subscription::subject(),
        directory::subject(),
        oauth::subject(),
        service::subject(),
        reporting::subject(),
        reading::subject(),
        administration::subject(),
        access::subject(),
        audit::subject(),
        shared::subject(),
    ]
}
