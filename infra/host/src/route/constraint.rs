//! The inline constraints of a route parameter.

use anyhow::{Result, bail};
use uuid::Uuid;

/// What a value must be for its route to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Constraint {
    Int,
    Long,
    Bool,
    Guid,
    Alpha,
    Length(usize, usize),
    Range(i64, i64),
}

impl Constraint {
    /// Reads `name` or `name(arguments)`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (name, arguments) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((name, arguments)) => (name, arguments.split(',').map(str::trim).collect()),
            None => (text, Vec::new()),
        };
        let read =
            |index: usize| arguments.get(index).and_then(|text: &&str| text.parse::<i64>().ok());
        let size = |index: usize| read(index).and_then(|value| usize::try_from(value).ok());
        let constraint = match (name.to_ascii_lowercase().as_str(), arguments.len()) {
            ("int", 0) => Some(Self::Int),
            ("long", 0) => Some(Self::Long),
            ("bool", 0) => Some(Self::Bool),
            ("guid", 0) => Some(Self::Guid),
            ("alpha", 0) => Some(Self::Alpha),
            ("length", 1) => size(0).map(|length| Self::Length(length, length)),
            ("length", 2) => size(0).zip(size(1)).map(|(min, max)| Self::Length(min, max)),
            ("minlength", 1) => size(0).map(|min| Self::Length(min, usize::MAX)),
            ("maxlength", 1) => size(0).map(|max| Self::Length(0, max)),
            ("min", 1) => read(0).map(|min| Self::Range(min, i64::MAX)),
            ("max", 1) => read(0).map(|max| Self::Range(i64::MIN, max)),
            ("range", 2) => read(0).zip(read(1)).map(|(min, max)| Self::Range(min, max)),
            _ => None,
        };
        match constraint {
            Some(constraint) => Ok(constraint),
            None => bail!("The constraint reference '{text}' could not be resolved to a type."),
        }
    }

    /// Tells whether a value passes.
    pub(super) fn allows(&self, value: &str) -> bool {
        match self {
            Self::Int => value.parse::<i32>().is_ok(),
            Self::Long => value.parse::<i64>().is_ok(),
            Self::Bool => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            Self::Guid => Uuid::parse_str(value).is_ok(),
            Self::Alpha => value.chars().all(|letter| letter.is_ascii_alphabetic()),
            Self::Length(min, max) => (*min..=*max).contains(&value.chars().count()),
            Self::Range(min, max) => {
                value.parse::<i64>().is_ok_and(|value| (*min..=*max).contains(&value))
            }
        }
    }
}
