//! The words of a query.

use super::parse::Error;

/// A word with where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Name(String),
    Text(String),
    Number(f64),
    /// A time span in seconds: `1d`, `30m`.
    Span(f64),
    Mark(&'static str),
}

/// Marks, longest first.
const MARKS: &[&str] = &[
    "==", "=~", "!=", "!~", "<=", ">=", "..", "|", "(", ")", "[", "]", "{", "}", ",", ".", "=",
    "<", ">", "+", "-", "*", "/", "%", "!", ":", ";",
];

pub(super) fn tokens(query: &str) -> Result<Vec<Token>, Error> {
    let mut found = Vec::new();
    let mut rest = query;
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').map_or("", |end| &comment[end..]);
            continue;
        }
        let at = query.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(found) };
        let verbatim = first == '@' && rest[1..].starts_with(['\'', '"']);
        let (word, after) = if verbatim || first == '\'' || first == '"' {
            text(rest, verbatim).ok_or_else(|| error("The string is not closed", at, rest))?
        } else if first.is_ascii_digit() {
            number(rest).ok_or_else(|| error("The number is not valid", at, rest))?
        } else if first.is_alphabetic() || first == '_' || first == '$' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
            let mut end = end.unwrap_or(rest.len());
            // Operators like `project-away` are one word.
            for whole in ["project-away", "project-keep", "project-rename", "mv-expand"] {
                if rest.get(..whole.len()).is_some_and(|start| start.eq_ignore_ascii_case(whole)) {
                    end = whole.len();
                }
            }
            // So are `in~` and `order by`'s halves are two.
            if rest[..end].eq_ignore_ascii_case("in") && rest[end..].starts_with('~') {
                end += 1;
            }
            (Word::Name(rest[..end].to_owned()), &rest[end..])
        } else {
            let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
            let mark = mark.ok_or_else(|| error("The character is not expected", at, rest))?;
            (Word::Mark(mark), &rest[mark.len()..])
        };
        found.push(Token { word, at });
        rest = after;
    }
}

fn error(why: &str, at: usize, rest: &str) -> Error {
    Error { why: why.to_owned(), at, token: rest.chars().take(20).collect() }
}

fn text(rest: &str, verbatim: bool) -> Option<(Word, &str)> {
    let start = usize::from(verbatim);
    let quote = rest[start..].chars().next()?;
    let mut text = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(start + 1) {
        if escaped {
            text.push(match c {
                'n' => '\n',
                't' => '\t',
                other => other,
            });
            escaped = false;
        } else if c == '\\' && !verbatim {
            escaped = true;
        } else if c == quote {
            return Some((Word::Text(text), &rest[at + c.len_utf8()..]));
        } else {
            text.push(c);
        }
    }
    None
}

fn number(rest: &str) -> Option<(Word, &str)> {
    let mut end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let fraction = rest[end..]
        .strip_prefix('.')
        .map_or(0, |f| f.chars().take_while(char::is_ascii_digit).count());
    if fraction > 0 {
        end += 1 + fraction;
    }
    let value: f64 = rest[..end].parse().ok()?;
    let unit_end = rest[end..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len() - end);
    let seconds = match &rest[end..end + unit_end] {
        "" => return Some((Word::Number(value), &rest[end..])),
        "d" => 86_400.0,
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 0.001,
        _ => return None,
    };
    Some((Word::Span(value * seconds), &rest[end + unit_end..]))
}
