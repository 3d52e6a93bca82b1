//! The lease of a blob: who may write to it. The Functions host takes one for each singleton.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::world::failure::Failure;

/// What was last said about the lease. What it means depends on the time: see [`Lease::state`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) enum Lease {
    #[default]
    Available,
    Held {
        id: Uuid,
        /// None: for ever.
        seconds: Option<i64>,
        ends_at: Option<Timestamp>,
    },
    Breaking {
        id: Uuid,
        ends_at: Timestamp,
    },
    Broken {
        id: Uuid,
    },
}

/// A lease at a time, in Azure's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Available,
    Leased,
    Expired,
    Breaking,
    Broken,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Leased => "leased",
            Self::Expired => "expired",
            Self::Breaking => "breaking",
            Self::Broken => "broken",
        }
    }

    pub(crate) fn is_locked(self) -> bool {
        matches!(self, Self::Leased | Self::Breaking)
    }
}

impl Lease {
    pub(crate) fn state(&self, now: Timestamp) -> State {
        match self {
            Self::Available => State::Available,
            Self::Held { ends_at: Some(at), .. } if *at <= now => State::Expired,
            Self::Held { .. } => State::Leased,
            Self::Breaking { ends_at, .. } if *ends_at <= now => State::Broken,
            Self::Breaking { .. } => State::Breaking,
            Self::Broken { .. } => State::Broken,
        }
    }

    fn id(&self) -> Option<Uuid> {
        match self {
            Self::Available => None,
            Self::Held { id, .. } | Self::Breaking { id, .. } | Self::Broken { id } => Some(*id),
        }
    }

    /// `fixed` or `infinite`, while it is leased.
    pub(crate) fn duration_name(&self, now: Timestamp) -> Option<&'static str> {
        match self {
            Self::Held { ends_at, .. } if self.state(now) == State::Leased => {
                Some(if ends_at.is_some() { "fixed" } else { "infinite" })
            }
            _ => None,
        }
    }

    /// Takes it for 15 to 60 seconds, or for ever.
    pub(crate) fn acquire(
        &mut self,
        seconds: Option<i64>,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if seconds.is_some_and(|seconds| !(15..=60).contains(&seconds)) {
            return Err(invalid_header());
        }
        match self.state(now) {
            State::Leased if self.id() != Some(id) => Err(already_present()),
            State::Breaking if self.id() == Some(id) => Err(refuse(
                "LeaseIsBreakingAndCannotBeAcquired",
                "The lease ID matched, but the lease is currently in breaking state and cannot be \
                 acquired until it is broken.",
            )),
            State::Breaking => Err(already_present()),
            State::Available | State::Leased | State::Expired | State::Broken => {
                *self = Self::held(id, seconds, now);
                Ok(())
            }
        }
    }

    pub(crate) fn renew(&mut self, id: Uuid, now: Timestamp) -> Result<(), Failure> {
        self.match_id(id)?;
        match self {
            Self::Held { seconds, .. } => {
                *self = Self::held(id, *seconds, now);
                Ok(())
            }
            Self::Available | Self::Breaking { .. } | Self::Broken { .. } => Err(refuse(
                "LeaseIsBrokenAndCannotBeRenewed",
                "The lease ID matched, but the lease has been broken explicitly and cannot be \
                 renewed.",
            )),
        }
    }

    /// Gives a held lease another id.
    pub(crate) fn change(&mut self, id: Uuid, to: Uuid, now: Timestamp) -> Result<(), Failure> {
        match self.state(now) {
            State::Available | State::Expired | State::Broken => Err(not_present()),
            State::Breaking => {
                self.match_id(id)?;
                Err(refuse(
                    "LeaseIsBreakingAndCannotBeChanged",
                    "The lease ID matched, but the lease is currently in breaking state and cannot \
                     be changed.",
                ))
            }
            State::Leased => {
                if self.id() != Some(to) {
                    self.match_id(id)?;
                }
                if let Self::Held { id, .. } = self {
                    *id = to;
                }
                Ok(())
            }
        }
    }

    pub(crate) fn release(&mut self, id: Uuid) -> Result<(), Failure> {
        self.match_id(id)?;
        *self = Self::Available;
        Ok(())
    }

    /// Lets it end after `seconds`, or when it would anyhow; gives the seconds that are left.
    pub(crate) fn break_up(
        &mut self,
        seconds: Option<i64>,
        now: Timestamp,
    ) -> Result<i64, Failure> {
        if seconds.is_some_and(|seconds| !(0..=60).contains(&seconds)) {
            return Err(invalid_header());
        }
        let Some(id) = self.id() else { return Err(not_present()) };
        let left = match (self.state(now), &*self) {
            (State::Leased, Self::Held { ends_at: None, .. }) => seconds.unwrap_or(0),
            (State::Leased, Self::Held { ends_at: Some(at), .. })
            | (State::Breaking, Self::Breaking { ends_at: at, .. }) => {
                let left = seconds_until(*at, now);
                seconds.map_or(left, |seconds| seconds.min(left))
            }
            _ => 0,
        };
        *self = match left {
            0 => Self::Broken { id },
            left => Self::Breaking { id, ends_at: end(left, now) },
        };
        Ok(left)
    }

    /// Whether a request with this lease id, or none, may write.
    pub(crate) fn allows_write(&self, given: Option<Uuid>, now: Timestamp) -> Result<(), Failure> {
        match given {
            None if self.state(now).is_locked() => Err(Failure::new(
                412,
                "LeaseIdMissing",
                "There is currently a lease on the blob and no lease ID was specified in the \
                 request.",
            )),
            None => Ok(()),
            Some(_) => self.allows_read(given, now),
        }
    }

    /// Whether a request with this lease id, or none, may read.
    pub(crate) fn allows_read(&self, given: Option<Uuid>, now: Timestamp) -> Result<(), Failure> {
        let Some(given) = given else { return Ok(()) };
        if !self.state(now).is_locked() {
            let (code, text) = match self.id() {
                Some(id) if id == given => (
                    "LeaseLost",
                    "A lease ID was specified, but the lease for the blob has expired.",
                ),
                _ => {
                    ("LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob.")
                }
            };
            return Err(Failure::new(412, code, text));
        }
        if self.id() == Some(given) {
            return Ok(());
        }
        Err(Failure::new(
            412,
            "LeaseIdMismatchWithBlobOperation",
            "The lease ID specified did not match the lease ID for the blob.",
        ))
    }

    /// A write ends what is left of a lease that nobody holds any more.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        if !self.state(now).is_locked() {
            *self = Self::Available;
        }
    }

    fn held(id: Uuid, seconds: Option<i64>, now: Timestamp) -> Self {
        Self::Held { id, seconds, ends_at: seconds.map(|seconds| end(seconds, now)) }
    }

    fn match_id(&self, id: Uuid) -> Result<(), Failure> {
        if self.id() == Some(id) {
            return Ok(());
        }
        Err(refuse(
            "LeaseIdMismatchWithLeaseOperation",
            "The lease ID specified did not match the lease ID for the blob.",
        ))
    }
}

fn end(seconds: i64, now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}

/// Whole seconds, rounded up: a lease with a moment left is not at its end.
fn seconds_until(at: Timestamp, now: Timestamp) -> i64 {
    let left = at.duration_since(now);
    left.as_secs() + i64::from(left.subsec_nanos() > 0)
}

fn refuse(code: &str, text: &str) -> Failure {
    Failure::new(409, code, text)
}

fn already_present() -> Failure {
    refuse("LeaseAlreadyPresent", "There is already a lease present.")
}

fn not_present() -> Failure {
    refuse("LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob.")
}

pub(crate) fn invalid_header() -> Failure {
    Failure::new(
        400,
        "InvalidHeaderValue",
        "The value for one of the HTTP headers is not in the correct format.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_lease_runs_out_and_may_be_renewed_by_whoever_had_it() {
        let (mine, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut lease = Lease::default();
        lease.acquire(Some(15), mine, at(0)).unwrap();
        assert_eq!(lease.acquire(Some(15), other, at(14)).unwrap_err().code, "LeaseAlreadyPresent");
        assert_eq!(lease.state(at(15)), State::Expired);
        lease.renew(mine, at(20)).unwrap();
        assert_eq!(lease.state(at(34)), State::Leased);
        lease.acquire(None, other, at(35)).unwrap();
        assert!(lease.renew(mine, at(36)).is_err());
    }

    #[test]
    fn a_broken_lease_ends_when_it_would_have_at_the_latest() {
        let mine = Uuid::from_u128(1);
        let mut lease = Lease::default();
        lease.acquire(Some(30), mine, at(0)).unwrap();
        assert_eq!(lease.break_up(Some(60), at(10)).unwrap(), 20);
        assert_eq!(lease.state(at(29)), State::Breaking);
        assert_eq!(lease.allows_write(None, at(29)).unwrap_err().code, "LeaseIdMissing");
        assert_eq!(lease.state(at(30)), State::Broken);
        assert_eq!(lease.renew(mine, at(30)).unwrap_err().code, "LeaseIsBrokenAndCannotBeRenewed");
        assert!(lease.allows_write(None, at(30)).is_ok());
    }
}
