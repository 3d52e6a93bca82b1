//! A message, and how the envelope shows it (functions-host §3.4).

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use quick_xml::{Reader, events::Event};
use serde_json::{Map, Value, json};

use crate::{clock, envelope};

/// A received message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) pop_receipt: String,
    pub(super) dequeue_count: u64,
    inserted: String,
    expires: String,
    visible: String,
}

/// Reads a `QueueMessagesList`; none if it is not one.
pub(super) fn read_list(xml: &str) -> Option<Vec<Message>> {
    let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}'));
    let (mut messages, mut path, mut text) = (Vec::new(), Vec::new(), String::new());
    let mut is_list = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                text.clear();
                match path.as_slice() {
                    [list] => is_list = list == "QueueMessagesList",
                    [_, _] => messages.push(Message::default()),
                    _ => {}
                }
            }
            Event::Empty(empty) => {
                is_list |= path.is_empty() && empty.name().as_ref() == "QueueMessagesList";
            }
            Event::Text(part) => text += &part.xml10_content(),
            Event::CData(part) => text += &part.xml10_content(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(sign) => text.push(sign),
                None => {
                    let entity = reference.xml10_content();
                    text += quick_xml::escape::resolve_predefined_entity(&entity)?;
                }
            },
            Event::End(_) => {
                if let ([_, _, name], Some(message)) = (path.as_slice(), messages.last_mut()) {
                    message.take(name, std::mem::take(&mut text))?;
                }
                path.pop();
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            Event::Eof => return Some(messages).filter(|_| is_list && path.is_empty()),
        }
    }
}

impl Message {
    fn take(&mut self, name: &str, text: String) -> Option<()> {
        match name {
            "MessageId" => self.id = text,
            "MessageText" => self.text = text,
            "PopReceipt" => self.pop_receipt = text,
            "DequeueCount" => self.dequeue_count = text.parse().ok()?,
            "InsertionTime" => self.inserted = text,
            "ExpirationTime" => self.expires = text,
            "TimeNextVisible" => self.visible = text,
            _ => {}
        }
        Some(())
    }
}

/// The text that the function gets; none if the message is not in the app's encoding.
///
/// GUESS: bytes that are no UTF-8 do not decode, either; the real host has a binding for bytes.
pub(super) fn decode(text: &str, base64: bool) -> Option<String> {
    if !base64 {
        return Some(text.to_owned());
    }
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}

/// The message under its binding's name.
pub(super) fn data(text: &str) -> Value {
    envelope::value(&json!(text))
}

/// The trigger's binding data, under which the properties of a JSON text come to lie.
pub(super) fn metadata(message: &Message, text: &str) -> Map<String, Value> {
    let mut all = Map::new();
    let plain = [
        ("DequeueCount", json!(message.dequeue_count)),
        ("Id", json!(message.id)),
        ("PopReceipt", json!(message.pop_receipt)),
    ];
    all.extend(plain.map(|(name, value)| (name.to_owned(), envelope::value(&value))));
    let times = [
        ("ExpirationTime", &message.expires),
        ("InsertionTime", &message.inserted),
        ("NextVisibleTime", &message.visible),
    ];
    // Times are not JSON in a string, as all else that is no object is.
    all.extend(times.map(|(name, text)| (name.to_owned(), Value::String(time(text)))));
    if let Ok(Value::Object(properties)) = serde_json::from_str(text) {
        for (name, value) in properties {
            let value = match value {
                Value::Array(_) | Value::Null => continue,
                Value::Object(_) => value,
                Value::String(text) => envelope::value(&json!(text)),
                Value::Bool(true) => envelope::value(&json!("True")),
                Value::Bool(false) => envelope::value(&json!("False")),
                Value::Number(number) => envelope::value(&json!(number.to_string())),
            };
            if name.to_ascii_lowercase().ends_with("trigger") {
                continue;
            }
            // Binding data compares names without case. GUESS: the later one's casing stays.
            all.retain(|other, _| !other.eq_ignore_ascii_case(&name));
            all.insert(name, value);
        }
    }
    all
}

/// The whole seconds of HTTP's time as the host writes them.
fn time(text: &str) -> String {
    let at = jiff::fmt::rfc2822::parse(text).map(|zoned| zoned.timestamp());
    clock::local(at.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList><QueueMessage>\
        <MessageId>52d53c5f</MessageId><InsertionTime>Tue, 18 Feb 2025 03:06:19 GMT</InsertionTime>\
        <ExpirationTime>Tue, 25 Feb 2025 03:06:19 GMT</ExpirationTime><PopReceipt>MThG+=</PopReceipt>\
        <TimeNextVisible>Tue, 18 Feb 2025 03:16:20 GMT</TimeNextVisible><DequeueCount>1</DequeueCount>\
        <MessageText>a &lt; &#98; &amp; c</MessageText></QueueMessage></QueueMessagesList>";

    #[test]
    fn reads_what_the_service_writes() {
        let messages = read_list(LIST).unwrap();
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].text, "a < b & c");
        assert_eq!(read_list("<QueueMessagesList />"), Some(vec![]));
        assert_eq!(read_list("<QueueMessagesList></QueueMessagesList>"), Some(vec![]));
        assert_eq!(read_list("<Error/>"), None);
        assert_eq!(read_list("<QueueMessagesList>"), None);
    }

    #[test]
    fn shows_a_message_as_it_was_captured() {
        let message = &read_list(LIST).unwrap()[0];
        assert_eq!(data("hello!!"), json!("\"hello!!\""));
        let expected = json!({
            "DequeueCount": "1", "ExpirationTime": "2025-02-25T03:06:19+00:00",
            "Id": "\"52d53c5f\"", "InsertionTime": "2025-02-18T03:06:19+00:00",
            "NextVisibleTime": "2025-02-18T03:16:20+00:00", "PopReceipt": "\"MThG+=\"",
        });
        assert_eq!(Value::Object(metadata(message, "hello!!")), expected);
    }

    #[test]
    fn lays_a_json_texts_properties_over_the_metadata() {
        let message = &read_list(LIST).unwrap()[0];
        let text = r#"{"id":1005,"color":"black","more":{"a":1},"list":[1],"none":null}"#;
        let all = metadata(message, text);
        assert_eq!(all["id"], "\"1005\"");
        assert_eq!(all["color"], "\"black\"");
        assert_eq!(all["more"], json!({"a": 1}));
        for absent in ["Id", "list", "none"] {
            assert!(!all.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn decodes_base64_only_where_the_app_uses_it() {
        assert_eq!(decode("aGVsbG8=", true).as_deref(), Some("hello"));
        assert_eq!(decode("hello!", true), None);
        assert_eq!(decode("/w==", true), None);
        assert_eq!(decode("hello!", false).as_deref(), Some("hello!"));
    }
}
