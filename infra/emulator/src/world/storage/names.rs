//! What queues, containers and blobs may be called.

use crate::world::failure::Failure;

/// 3 to 63 lower-case letters, digits and single hyphens, none of them at an end.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    if !(3..=63).contains(&name.len()) {
        return Err(Failure::new(
            400,
            "OutOfRangeInput",
            "The specified resource name length is not within the permissible limits.",
        ));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let sound = name.chars().all(|c| plain(c) || c == '-')
        && name.starts_with(plain)
        && name.ends_with(plain)
        && !name.contains("--");
    if sound { Ok(()) } else { Err(invalid_name()) }
}

/// As [`check_name`]; these few begin with a sign, as the service's own do.
pub(crate) fn check_container(name: &str) -> Result<(), Failure> {
    if ["$root", "$web", "$logs"].contains(&name) { Ok(()) } else { check_name(name) }
}

/// 1 to 1024 characters; no control characters, one of which ends a key of ours, and nothing that
/// a list could not tell in XML.
///
/// GUESS: the service lists U+FFFE and U+FFFF as encoded names, which are not played.
pub(crate) fn check_blob(name: &str) -> Result<(), Failure> {
    if !(1..=1024).contains(&name.chars().count()) {
        return Err(Failure::new(
            400,
            "OutOfRangeInput",
            "The specified resource name length is not within the permissible limits.",
        ));
    }
    let foreign = |c: char| c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c);
    if name.contains(foreign) { Err(invalid_name()) } else { Ok(()) }
}

fn invalid_name() -> Failure {
    Failure::new(
        400,
        "InvalidResourceName",
        "The specified resource name contains invalid characters.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_three_to_sixty_three_plain_characters() {
        for good in ["abc", "a-b", "0a0", &"a".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["ab", "A-b", "-ab", "ab-", "a--b", "a_b", &"a".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        for bad in ["a\0b", "a\u{1}", "\u{81}", "\u{ffff}", ""] {
            assert!(check_blob(bad).is_err(), "{bad:?}");
        }
    }
}
