//! Shared access signatures in the query: of the account, of a container or queue, of a blob.
//!
//! Stored access policies (`si`) and user delegation keys (`skoid`) are not played: 403.

use jiff::{Timestamp, civil, tz::TimeZone};

use super::{Call, Failure, Grant, Need, failed, is_signature};
use crate::storage::{ACCOUNT, Service};

/// From this version on, the encryption scope is signed, too.
const WITH_SCOPE: &str = "2020-12-06";
/// From this version on, a blob's kind and snapshot are signed, too.
const WITH_KIND: &str = "2018-11-09";

pub(super) fn check(call: &Call, need: Need, now: Timestamp) -> Result<Grant, Failure> {
    let get = |name: &str| call.query(name).unwrap_or_default();
    let of_account = call.query("ss").is_some() || call.query("srt").is_some();
    let text = if of_account { account_text(call) } else { service_text(call)? };
    if !is_signature(&text, get("sig")) {
        return Err(failed());
    }
    // By the machine's clock, as clients make them by theirs.
    let ends = read_time(get("se")).ok_or_else(failed)?;
    let begins = match call.query("st") {
        Some(text) => read_time(text).ok_or_else(failed)?,
        None => Timestamp::MIN,
    };
    if now >= ends || now < begins {
        return Err(failed());
    }
    if call.query("spr").is_some_and(|protocols| !protocols.split(',').any(|one| one == "http")) {
        return Err(mismatch("Protocol", "protocol"));
    }
    if of_account {
        let service = match call.service {
            Service::Blob => 'b',
            Service::Queue => 'q',
        };
        if !get("ss").contains(service) {
            return Err(mismatch("Service", "service"));
        }
        if !get("srt").contains(need.resource) {
            return Err(mismatch("ResourceType", "resource type"));
        }
    }
    // Of a container itself, a service SAS allows no more than to list its blobs.
    let beyond = call.service == Service::Blob && need.resource == 'c' && need.any_of != "l";
    if !of_account && beyond {
        return Err(Grant::refusal());
    }
    let granted = get("sp");
    let allowed = need.any_of.chars().find(|permission| granted.contains(*permission));
    match allowed {
        None => Err(Grant::refusal()),
        Some('c') if need.resource == 'o' => Ok(Grant::CreateOnly),
        Some(_) => Ok(Grant::Full),
    }
}

fn account_text(call: &Call) -> String {
    let names = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"];
    let mut text = format!("{ACCOUNT}\n");
    for name in names {
        text += &format!("{}\n", call.query(name).unwrap_or_default());
    }
    if call.query("sv").unwrap_or_default() >= WITH_SCOPE {
        text += &format!("{}\n", call.query("ses").unwrap_or_default());
    }
    text
}

/// What a service SAS signs; fails where the SAS is of something else than the path.
fn service_text(call: &Call) -> Result<String, Failure> {
    let get = |name: &str| call.query(name).unwrap_or_default();
    let version = get("sv");
    if call.query("si").is_some() || call.first.is_empty() {
        return Err(failed());
    }
    let (resource, names): (String, &[&str]) = match call.service {
        Service::Queue => (format!("/queue/{ACCOUNT}/{}", call.first), &["si", "sip", "spr", "sv"]),
        Service::Blob => {
            let of_blob = format!("/blob/{ACCOUNT}/{}/{}", call.first, call.rest);
            let resource = match get("sr") {
                "b" if !call.rest.is_empty() => of_blob,
                "c" => format!("/blob/{ACCOUNT}/{}", call.first),
                _ => return Err(failed()),
            };
            let names: &[&str] = if version >= WITH_SCOPE {
                &[
                    "si", "sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd", "rsce",
                    "rscl", "rsct",
                ]
            } else if version >= WITH_KIND {
                &[
                    "si", "sip", "spr", "sv", "sr", "snapshot", "rscc", "rscd", "rsce", "rscl",
                    "rsct",
                ]
            } else {
                &["si", "sip", "spr", "sv", "rscc", "rscd", "rsce", "rscl", "rsct"]
            };
            (resource, names)
        }
    };
    let mut lines = vec![get("sp"), get("st"), get("se"), &resource];
    lines.extend(names.iter().map(|name| get(name)));
    Ok(lines.join("\n"))
}

/// A day, a minute, or a second with or without its parts, all in UTC.
fn read_time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let bare = text.strip_suffix('Z').unwrap_or(text);
    let civil = match civil::DateTime::strptime("%Y-%m-%dT%H:%M", bare) {
        Ok(civil) => civil,
        Err(_) => bare.parse::<civil::Date>().ok()?.to_datetime(civil::Time::midnight()),
    };
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn mismatch(what: &str, words: &str) -> Failure {
    Failure::new(
        403,
        &format!("Authorization{what}Mismatch"),
        format!("This request is not authorized to perform this operation using this {words}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_time_in_every_form_that_a_sas_may_have() {
        let expected = "2026-01-02T03:04:00Z".parse().ok();
        for text in ["2026-01-02T03:04Z", "2026-01-02T03:04:00Z", "2026-01-02T03:04:00.0000000Z"] {
            assert_eq!(read_time(text), expected, "{text}");
        }
        assert_eq!(read_time("2026-01-02"), "2026-01-02T00:00:00Z".parse().ok());
        assert_eq!(read_time("soon"), None);
    }
}
