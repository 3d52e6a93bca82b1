//! Documents of Azure Storage, as far as they are judged.

use quick_xml::{Reader, events::Event};

/// Whether a text is a well-formed document without signs that XML 1.0 does not have.
pub(super) fn is_sound(text: &str) -> bool {
    let foreign =
        |c: char| (c < ' ' && !"\t\n\r".contains(c)) || ('\u{fffe}'..='\u{ffff}').contains(&c);
    if text.contains(foreign) {
        return false;
    }
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut depth, mut roots) = (0_usize, 0);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) if !is_name(start.name().as_ref()) => return false,
            Ok(Event::Empty(empty)) if !is_name(empty.name().as_ref()) => return false,
            Ok(Event::Start(_)) => {
                roots += usize::from(depth == 0);
                depth += 1;
            }
            Ok(Event::Empty(_)) => roots += usize::from(depth == 0),
            // The reader sees to it that what ends has begun.
            Ok(Event::End(_)) => depth -= 1,
            Ok(Event::Eof) => return depth == 0 && roots == 1,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

fn is_name(name: impl AsRef<[u8]>) -> bool {
    let name = name.as_ref();
    name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
}

/// The text of the first element of that name.
pub(super) fn first<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text)
}

/// The texts of all elements of that name.
pub(super) fn all<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!("<{name}>");
    text.split(&begin).skip(1).filter_map(|rest| rest.split('<').next()).collect()
}
