//! JSON as ARM takes it: comments, names without quotes, single quotes, commas at the end, line
//! breaks inside texts.
//!
//! The real az sends such bodies: it puts the text of the template file, comments and all, behind
//! the bare word `template:` (real-clients §3, trap 1).

use serde_json::Value;

/// Reads relaxed JSON.
pub(crate) fn read(text: &str) -> serde_json::Result<Value> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        // What is strict JSON needs no second look; else the strict form tells what is wrong.
        Err(_) => serde_json::from_str(&strict(text)),
    }
}

/// The same in strict JSON, as far as it can be told without reading it.
fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.trim_start_matches('\u{feff}');
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').map_or("", |end| &comment[end..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.find("*/").map_or("", |end| &comment[end + 2..]);
        } else if first == '"' || first == '\'' {
            rest = quoted(rest, first, &mut out);
        } else if first == ']' || first == '}' {
            drop_comma(&mut out);
            out.push(first);
            rest = &rest[1..];
        } else if first.is_alphabetic() || first == '_' || first == '$' {
            let word = |c: char| c.is_alphanumeric() || "_$.-".contains(c);
            let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
            match &rest[..end] {
                literal @ ("true" | "false" | "null") => out.push_str(literal),
                name => out.push_str(&Value::from(name).to_string()),
            }
            rest = &rest[end..];
        } else if first.is_ascii_digit() || first == '-' {
            // A number is one word: the `e` of `1e5` is no name.
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
            let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
            out.push_str(number);
            rest = after;
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// Copies a text that begins with `quote`; gives what comes after it.
fn quoted<'a>(text: &'a str, quote: char, out: &mut String) -> &'a str {
    out.push('"');
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\'' if escaped => out.push('\''),
            _ if escaped => {
                out.push('\\');
                out.push(c);
            }
            '\\' => {}
            _ if c == quote => {
                out.push('"');
                return &text[at + c.len_utf8()..];
            }
            '"' => out.push_str("\\\""),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    ""
}

fn drop_comma(out: &mut String) {
    let end = out.trim_end().len();
    if out[..end].ends_with(',') {
        out.truncate(end - 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_body_of_the_real_az_is_read() {
        let text = r#"{"properties": {"mode": "Incremental", template: /* ** */ {
          "$schema": "https://x/y#", // a comment, with "quotes"
          /** comment1
              comment2 **/
          "resources": [ {'name': 'it''s', "a": "line
break", }, 1e5, -2.5, ] // comment
        }}}"#;
        let text = text.replace("'it''s'", r"'it\'s'");
        let read = read(&text).unwrap();
        let template = &read["properties"]["template"];
        assert_eq!(template["$schema"], "https://x/y#");
        let resource = json!({"name": "it's", "a": "line\nbreak"});
        assert_eq!(template["resources"], json!([resource, 1e5, -2.5]));
    }

    proptest! {
        #[test]
        fn strict_json_stays_what_it_is(text in "[ -~é\n]{0,40}", number in any::<i32>()) {
            let value = json!({"text": text, "list": [number, null, true, {"k": "// no */"}]});
            prop_assert_eq!(&serde_json::from_str::<Value>(&strict(&value.to_string())).unwrap(), &value);
            let commented = format!("/* a */ {} // b", value);
            prop_assert_eq!(read(&commented).unwrap(), value);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[ -~é\n]{0,80}") {
            let _ = read(&text);
        }
    }
}
