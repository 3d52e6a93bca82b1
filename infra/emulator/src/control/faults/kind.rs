//! Faults in one word, for names and for chance: `disk-fault-429-9` has the fault `429-9`.
//!
//! | word | what goes wrong |
//! | --- | --- |
//! | `429-n` | Azure's 429 with `Retry-After: n` (5) |
//! | `400` to `599` | that status |
//! | `drop` | the connection breaks, and nothing was done |
//! | `lost` | what was asked is done, and the connection breaks |
//! | `delay-n` | n (1000) ms pass first |
//! | `slow-n` | the body comes at n (1024) bytes per second |
//! | `cut-n` | the body ends after n (0) bytes |
//! | `clock-n` | the emulator's clock jumps n (3600) s ahead |
//! | `stall-n` | the copy that is started stalls at n (50) % |
//! | `copyfail-n` | the copy that is started fails at n (50) % |
//! | `expired` | a token that has ended, of a token endpoint |
//!
//! Each may end in `xN`: then it strikes N times, of a name each method N times.

use axum::http::Method;

use super::Fault;

/// The fault that a path asks for, and how often.
pub(super) fn in_path(path: &str, method: &Method) -> Option<(Fault, u64)> {
    path.match_indices("fault-").find_map(|(at, word)| {
        let begins = path[..at].chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric());
        begins.then(|| parse(&path[at + word.len()..], method, path))?
    })
}

/// Reads a word, of which more may follow.
pub(super) fn parse(text: &str, method: &Method, path: &str) -> Option<(Fault, u64)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    let mut parts = text[..end].split('-');
    let (word, mut count) = times(parts.next()?);
    let mut number = None;
    if let Some(next) = parts.next() {
        let (digits, more) = times(next);
        if let Ok(given) = digits.parse::<u32>() {
            (number, count) = (Some(given), count.max(more));
        }
    }
    let or = |default: u32| u64::from(number.unwrap_or(default));
    let percent = || Some(f64::from(number.unwrap_or(50).min(100)));
    // Only the start of a copy can be given one that stalls or fails.
    let starts = method == Method::PUT && path.to_ascii_lowercase().contains("/snapshots/");
    let none = Fault { count: 1, ..Fault::default() };
    let fault = match word {
        "429" => Fault {
            throttle: Some(bucket(method, path).to_owned()),
            retry_after_seconds: Some(or(5)),
            ..none
        },
        "drop" => Fault { status: Some(0), ..none },
        "lost" => Fault { status: Some(0), after: true, ..none },
        "delay" => Fault { delay_ms: Some(or(1000)), ..none },
        "slow" => Fault { bytes_per_second: Some(or(1024)), ..none },
        "cut" => Fault { truncate_bytes: Some(or(0)), ..none },
        "clock" => Fault { clock_seconds: Some(f64::from(number.unwrap_or(3600))), ..none },
        "stall" if starts => Fault { copy_stall_percent: percent(), ..none },
        "copyfail" if starts => Fault { copy_fail_percent: percent(), ..none },
        "expired" => Fault { expired_token: true, ..none },
        status => {
            let status = status.parse().ok().filter(|status| (400..600).contains(status))?;
            Fault { status: Some(status), retry_after_seconds: number.map(u64::from), ..none }
        }
    };
    Some((fault, count))
}

/// Whether a word is one of these, wherever it may strike.
pub(super) fn is_known(word: &str) -> bool {
    parse(word, &Method::PUT, "/snapshots/x").is_some()
}

/// Takes `x3` off the end.
fn times(word: &str) -> (&str, u64) {
    match word.rsplit_once('x').map(|(word, count)| (word, count.parse())) {
        Some((word, Ok(count))) if !word.is_empty() => (word, count),
        _ => (word, 1),
    }
}

/// The bucket that such a request draws from (compute-snapshots §3.4).
fn bucket(method: &Method, path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    let list = path.ends_with("/disks") || path.ends_with("/snapshots");
    match *method {
        Method::GET if path.contains("/diskoperations/") => "GetOperation30Min",
        Method::GET if list => "HighCostGet30Min",
        Method::GET => "LowCostGet30Min",
        Method::DELETE => "DeleteDisks30Min",
        Method::PUT if path.contains("/snapshots/") => "HighCostSnapshotCreateHydrate30Min",
        Method::POST => "HighCostSnapshotCreateHydrate30Min",
        _ => "CreateUpdateDisks30Min",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_asks_for_a_fault_with_a_number_and_a_count() {
        let of = |path: &str| in_path(path, &Method::PUT);
        let (fault, count) = of("/snapshots/a-fault-429-9x3-west").unwrap();
        assert_eq!((fault.retry_after_seconds, count), (Some(9), 3));
        assert_eq!(fault.throttle.as_deref(), Some("HighCostSnapshotCreateHydrate30Min"));
        let (fault, count) = of("/snapshots/fault-stall-37").unwrap();
        assert_eq!((fault.copy_stall_percent, count), (Some(37.0), 1));
        assert_eq!(of("/disks/fault-503x2").unwrap().0.status, Some(503));
        assert_eq!(of("/disks/fault-503x2").unwrap().1, 2);
        assert_eq!(of("/disks/fault-drop_x").unwrap().0.status, Some(0));
        for path in
            ["/disks/default-500", "/disks/fault-200", "/disks/fault-", "/disks/fault-stall"]
        {
            assert!(of(path).is_none(), "{path}");
        }
    }
}
