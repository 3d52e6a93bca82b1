//! The conditions of a request: `If-Match` and its kin, judged against a blob.

use jiff::Timestamp;

use super::blobs::Blob;
use crate::world::failure::Failure;

/// What a request says must hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// Judges a read: what has not changed is a 304.
    pub(crate) fn check_read(&self, blob: &Blob) -> Result<(), Failure> {
        if !self.matches(Some(blob)) {
            return Err(not_met(412));
        }
        if self.is_excluded(blob) {
            return Err(not_met(304));
        }
        Ok(())
    }

    /// Judges a write to what is there, or to nothing.
    pub(crate) fn check_write(&self, blob: Option<&Blob>) -> Result<(), Failure> {
        if !self.matches(blob) {
            return Err(not_met(412));
        }
        let Some(blob) = blob else { return Ok(()) };
        if self.if_none_match.as_deref() == Some("*") {
            return Err(Failure::new(
                409,
                "BlobAlreadyExists",
                "The specified blob already exists.",
            ));
        }
        if self.is_excluded(blob) { Err(not_met(412)) } else { Ok(()) }
    }

    fn matches(&self, blob: Option<&Blob>) -> bool {
        let tag = match (self.if_match.as_deref(), blob) {
            (None, _) => true,
            (Some("*"), blob) => blob.is_some(),
            (Some(tag), blob) => blob.is_some_and(|blob| same(tag, &blob.etag)),
        };
        let time = self.if_unmodified_since.is_none_or(|since| {
            blob.is_none_or(|blob| blob.modified_at.as_second() <= since.as_second())
        });
        tag && time
    }

    fn is_excluded(&self, blob: &Blob) -> bool {
        match (&self.if_none_match, self.if_modified_since) {
            // A tag is the better witness: with one, the time does not count (RFC 9110 §13.1.3).
            (Some(tag), _) => tag == "*" || same(tag, &blob.etag),
            (None, Some(since)) => blob.modified_at.as_second() <= since.as_second(),
            (None, None) => false,
        }
    }
}

/// Clients send tags with their quotes and without.
fn same(given: &str, etag: &str) -> bool {
    given.trim_start_matches("W/").trim_matches('"') == etag.trim_matches('"')
}

fn not_met(status: u16) -> Failure {
    Failure::new(
        status,
        "ConditionNotMet",
        "The condition specified using HTTP conditional header(s) is not met.",
    )
}
