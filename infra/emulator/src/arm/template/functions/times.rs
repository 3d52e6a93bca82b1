//! `utcNow`, by the emulator's clock.

use jiff::Timestamp;
use serde_json::Value;

use super::{super::eval::Eval, text, wrong};

/// `utcNow([format])`; without a format `20060102T030405Z`.
pub(super) fn utc_now(now: Timestamp, values: &[Value]) -> Eval {
    let form = match values {
        [] => "yyyyMMddTHHmmssZ",
        [form] => match text("utcNow", form)? {
            // .NET's names of whole forms.
            "d" => "MM/dd/yyyy",
            "u" => "yyyy-MM-dd HH:mm:ssZ",
            "s" => "yyyy-MM-ddTHH:mm:ss",
            "o" | "O" => "yyyy-MM-ddTHH:mm:ss.fffffffZ",
            other => other,
        },
        _ => return Err(wrong("utcNow")),
    };
    let mut out = String::new();
    let mut rest = form;
    while let Some(first) = rest.chars().next() {
        let run = rest.chars().take_while(|c| *c == first).count();
        let token = &rest[..run * first.len_utf8()];
        let pattern = match token {
            "yyyy" => "%Y",
            "yy" => "%y",
            "MM" => "%m",
            "M" => "%-m",
            "dd" => "%d",
            "d" => "%-d",
            "HH" => "%H",
            "H" => "%-H",
            "mm" => "%M",
            "m" => "%-M",
            "ss" => "%S",
            "s" => "%-S",
            "fff" => "%3f",
            "fffffff" => "%7f",
            _ => "",
        };
        if pattern.is_empty() {
            out.push_str(token);
        } else {
            out.push_str(&now.strftime(pattern).to_string());
        }
        rest = &rest[token.len()..];
    }
    Ok(out.into())
}
