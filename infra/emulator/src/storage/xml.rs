//! XML, out and in: as much as queues and blobs need.

use quick_xml::{Reader, escape::escape, events::Event};

use crate::world::failure::Failure;

/// A document in the making.
#[derive(Debug)]
pub(super) struct Document(String);

impl Document {
    pub(super) fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_owned())
    }

    pub(super) fn open(&mut self, name: &str) -> &mut Self {
        self.open_with(name, &[])
    }

    pub(super) fn open_with(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        self.0 += &format!("<{name}");
        for (attribute, value) in attributes {
            self.0 += &format!(" {attribute}=\"{}\"", escape(*value));
        }
        self.0.push('>');
        self
    }

    pub(super) fn close(&mut self, name: &str) -> &mut Self {
        self.0 += &format!("</{name}>");
        self
    }

    /// An element that holds text; without text it is `<name />`, as the service writes it.
    pub(super) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        if text.is_empty() {
            self.0 += &format!("<{name} />");
            return self;
        }
        self.open(name);
        self.0 += &escape(text);
        self.close(name)
    }

    /// An element only if there is something to tell.
    pub(super) fn maybe(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// An element that was read.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Deeper than any document of the service.
const DEPTH: usize = 16;

/// Reads a document whose root has this name.
pub(super) fn read(body: &[u8], root: &str) -> Result<Element, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| invalid())?;
    let text = text.trim_start_matches('\u{feff}');
    if text.contains(is_foreign) {
        return Err(invalid());
    }
    parse(text).filter(|element| element.name == root).ok_or_else(invalid)
}

/// Whether XML 1.0 has no such sign, not even as a reference.
pub(super) fn is_foreign(c: char) -> bool {
    (c < ' ' && !"\t\n\r".contains(c)) || ('\u{fffe}'..='\u{ffff}').contains(&c)
}

/// None if it is not well-formed.
fn parse(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if root.is_some() || open.len() >= DEPTH {
                    return None;
                }
                open.push(Element { name: name(start.name().as_ref()), ..Element::default() });
            }
            Event::Empty(empty) => {
                let element = Element { name: name(empty.name().as_ref()), ..Element::default() };
                place(element, &mut open, &mut root)?;
            }
            Event::End(_) => {
                let element = open.pop()?;
                place(element, &mut open, &mut root)?;
            }
            Event::Text(text) => {
                let text = text.xml10_content();
                match open.last_mut() {
                    Some(element) => element.text += &text,
                    None if text.trim().is_empty() => {}
                    None => return None,
                }
            }
            Event::CData(text) => open.last_mut()?.text += &text.xml10_content(),
            Event::GeneralRef(reference) => {
                let text = match reference.resolve_char_ref().ok()? {
                    Some(sign) => Some(sign).filter(|sign| !is_foreign(*sign))?.to_string(),
                    None => {
                        let entity = reference.xml10_content();
                        quick_xml::escape::resolve_predefined_entity(&entity)?.to_owned()
                    }
                };
                open.last_mut()?.text += &text;
            }
            // No document type: its entities could make little text very long.
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return root.filter(|_| open.is_empty()),
        }
    }
}

fn name(name: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(name.as_ref()).into_owned()
}

/// Puts a whole element where it belongs.
fn place(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Option<()> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return None,
    }
    Some(())
}

fn invalid() -> Failure {
    Failure::new(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &str) -> Option<String> {
        let root = read(document.as_bytes(), "QueueMessage").ok()?;
        Some(root.child("MessageText")?.text.clone())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut document = Document::new();
        let hard = "a < b & \"c\" ]]> é \u{1F600}";
        document.open("QueueMessage").text("MessageText", hard).close("QueueMessage");
        assert_eq!(text(&document.finish()).as_deref(), Some(hard));
    }

    #[test]
    fn reads_entities_and_sections_and_refuses_what_is_broken() {
        let message = |inner: &str| {
            format!("<QueueMessage><MessageText>{inner}</MessageText></QueueMessage>")
        };
        assert_eq!(text(&message("&lt;a&gt;&#65;<![CDATA[<b>]]>")).as_deref(), Some("<a>A<b>"));
        assert_eq!(text(&message("")).as_deref(), Some(""));
        for broken in ["&nbsp;", "<b>", "</b>", "<b></c>", "&#1;", "&#xffff;", "\u{b}"] {
            assert_eq!(text(&message(broken)), None, "{broken}");
        }
        assert_eq!(text("<!DOCTYPE a [<!ENTITY b \"c\">]><QueueMessage/>"), None);
        assert_eq!(text("not xml"), None);
    }
}
