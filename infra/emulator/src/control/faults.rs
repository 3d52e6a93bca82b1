//! Faults of answers: which request is struck, how often, and what goes wrong. Of this process
//! only: nothing of it is stored.
//!
//! A fault comes from the list that the control API keeps, from a name that asks for it
//! (`kind.rs`), or by chance from a seed. What struck is logged, newest last. Requests to the
//! storage account are struck only by a fault whose `path_contains` names the account.

pub(crate) mod api;
mod kind;
mod reply;
mod transport;

use std::collections::{BTreeMap, VecDeque};

use axum::http::{Method, Uri};
use serde::{Deserialize, Serialize};

use crate::{storage, world::mix};
pub(crate) use transport::dropped;

/// Entries of the log that are kept, and names whose strikes are counted.
const KEPT: usize = 10_000;

/// One fault. It strikes the first `count` requests that match, after `skip` that it lets pass.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Fault {
    /// Part of the path and query, in any case; none: every path.
    path_contains: Option<String>,
    /// The method; none: every one.
    method: Option<String>,
    /// Lets so many requests that match pass first.
    skip: u64,
    /// Strikes only this page of a list, counted from 1 at each request without `$skiptoken`.
    page: Option<u64>,
    #[serde(default = "once")]
    count: u64,
    /// The status to answer; 0 breaks the connection; none leaves the answer as it is.
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) retry_after_seconds: Option<u64>,
    /// Answers Azure's own 429 for this bucket, as `HighCostGet30Min` (compute-snapshots §3.4).
    pub(crate) throttle: Option<String>,
    /// Waits so long, by the machine's clock, before anything else.
    delay_ms: Option<u64>,
    /// Does what was asked first, and only then goes wrong: a lost answer.
    pub(crate) after: bool,
    /// Sends the body no faster than this.
    bytes_per_second: Option<u64>,
    /// Breaks the connection after so many bytes of a body whose length was promised whole.
    truncate_bytes: Option<u64>,
    /// Answers with a token that has ended.
    pub(crate) expired_token: bool,
    /// Moves the emulator's clock before anything else.
    pub(crate) clock_seconds: Option<f64>,
    /// Lets the copy that this `PUT` starts stall at this percentage, until it is released.
    copy_stall_percent: Option<f64>,
    /// Lets the copy that this `PUT` starts fail at this percentage.
    copy_fail_percent: Option<f64>,
    #[serde(skip)]
    pages_seen: u64,
}

fn once() -> u64 {
    1
}

/// The faults to come, and those that came.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    random: Option<Random>,
    /// How often a method and path with a fault in its name was struck.
    named: BTreeMap<String, u64>,
    /// Requests that faults were asked about.
    requests: u64,
    struck: VecDeque<Struck>,
}

/// Faults by chance: the same seed and the same requests give the same faults.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Random {
    seed: u64,
    /// From 0 to 1, of each request that matches.
    probability: f64,
    /// As in names: `429-9`, `503`, `lost`.
    kinds: Vec<String>,
    path_contains: Option<String>,
    method: Option<String>,
    /// Requests that were thrown dice for.
    #[serde(default)]
    seen: u64,
}

/// What was struck.
#[derive(Debug, Clone, Serialize)]
struct Struck {
    /// The number of the request among all.
    request: u64,
    method: String,
    /// Without the query, which may hold a secret.
    path: String,
    fault: Fault,
}

impl Fault {
    /// Finds the fault that strikes this request, and uses it up by one.
    pub(crate) fn take(faults: &mut Faults, method: &Method, uri: &Uri) -> Option<Fault> {
        faults.requests += 1;
        let fault = faults.listed(method, uri, |_| true);
        let fault = fault.or_else(|| faults.named(method, uri));
        let fault = fault.or_else(|| faults.random(method, uri))?;
        faults.log(method, uri, &fault);
        Some(fault)
    }

    /// As [`Self::take`], but only for a fault that names the path: a fault of every path, of which
    /// a test of ARM thinks, does not strike the identity endpoint.
    pub(crate) fn take_by_path(faults: &mut Faults, method: &Method, uri: &Uri) -> Option<Fault> {
        faults.requests += 1;
        let fault = faults.listed(method, uri, |part| part.is_some())?;
        faults.log(method, uri, &fault);
        Some(fault)
    }

    /// As [`Self::take`], but only for a fault, of the list or by chance, whose path names the
    /// storage account: what is meant for ARM is never used up by whoever polls a queue. Nor are
    /// polls counted, so that the numbers of ARM's requests do not depend on them.
    pub(crate) fn take_of_storage(
        faults: &mut Faults,
        method: &Method,
        uri: &Uri,
    ) -> Option<Fault> {
        let fault = faults.listed(method, uri, names_account);
        let by_chance = faults.random.as_ref().is_some_and(|all| names_account(&all.path_contains));
        let fault = fault.or_else(|| by_chance.then(|| faults.random(method, uri))?)?;
        faults.requests += 1;
        faults.log(method, uri, &fault);
        Some(fault)
    }
}

impl Faults {
    /// The first fault of the list whose turn it is, of those whose path `may` strike here.
    fn listed(
        &mut self,
        method: &Method,
        uri: &Uri,
        may: impl Fn(&Option<String>) -> bool,
    ) -> Option<Fault> {
        let target = target(uri);
        let index = self
            .list
            .iter_mut()
            .position(|fault| may(&fault.path_contains) && fault.strikes(method, &target))?;
        let fault = &mut self.list[index];
        fault.count = fault.count.saturating_sub(1);
        let struck = fault.clone();
        self.list.retain(|fault| fault.count > 0);
        Some(struck)
    }

    /// Each method of a path is struck as often as the name says, once if it does not.
    fn named(&mut self, method: &Method, uri: &Uri) -> Option<Fault> {
        let path = uri.path().to_ascii_lowercase();
        let (fault, count) = kind::in_path(&path, method)?;
        if self.named.len() >= KEPT {
            self.named.clear();
        }
        let strikes = self.named.entry(format!("{method} {path}")).or_default();
        *strikes += 1;
        (*strikes <= count).then_some(fault)
    }

    fn random(&mut self, method: &Method, uri: &Uri) -> Option<Fault> {
        let random = self.random.as_mut()?;
        if !matches(&random.method, &random.path_contains, method, &target(uri)) {
            return None;
        }
        random.seen += 1;
        let dice = mix(random.seed.wrapping_add(random.seen.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        if (dice >> 11) as f64 / (1_u64 << 53) as f64 >= random.probability {
            return None;
        }
        let kind = &random.kinds[(mix(dice) % random.kinds.len().max(1) as u64) as usize];
        kind::parse(kind, method, uri.path()).map(|(fault, _)| fault)
    }

    fn log(&mut self, method: &Method, uri: &Uri, fault: &Fault) {
        if self.struck.len() >= KEPT {
            self.struck.pop_front();
        }
        self.struck.push_back(Struck {
            request: self.requests,
            method: method.to_string(),
            path: uri.path().to_owned(),
            fault: fault.clone(),
        });
    }
}

impl Fault {
    /// Whether it is this request's turn.
    fn strikes(&mut self, method: &Method, target: &str) -> bool {
        if self.count == 0 || !matches(&self.method, &self.path_contains, method, target) {
            return false;
        }
        if let Some(page) = self.page {
            let first = !target.contains("$skiptoken=") && !target.contains("%24skiptoken=");
            self.pages_seen = if first { 1 } else { self.pages_seen + 1 };
            if self.pages_seen != page {
                return false;
            }
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        true
    }
}

fn names_account(part: &Option<String>) -> bool {
    part.as_ref().is_some_and(|part| part.to_ascii_lowercase().contains(storage::ACCOUNT))
}

fn target(uri: &Uri) -> String {
    uri.path_and_query().map_or("", |target| target.as_str()).to_ascii_lowercase()
}

fn matches(method: &Option<String>, part: &Option<String>, given: &Method, target: &str) -> bool {
    method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(given.as_str()))
        && part.as_ref().is_none_or(|part| target.contains(&part.to_ascii_lowercase()))
}
