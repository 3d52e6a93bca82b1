//! JSON as the disk provider writes it: indented by two, lines ended by CRLF.

use std::io;

use serde::Serialize;
use serde_json::{
    Value,
    ser::{Formatter, Serializer},
};

/// The text of a value.
pub(super) fn text(value: &Value) -> String {
    let mut bytes = Vec::with_capacity(1024);
    let formatter = Crlf { depth: 0, filled: false };
    // Neither a value nor a vector can fail.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    String::from_utf8(bytes).unwrap_or_default()
}

struct Crlf {
    depth: usize,
    /// Whether the innermost array or object has something in it.
    filled: bool,
}

impl Crlf {
    fn line<W: ?Sized + io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\r\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }

    fn begin<W: ?Sized + io::Write>(&mut self, writer: &mut W, with: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        writer.write_all(with)
    }

    fn end<W: ?Sized + io::Write>(&mut self, writer: &mut W, with: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.filled {
            self.line(writer)?;
        }
        self.filled = true;
        writer.write_all(with)
    }

    fn item<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.filled = true;
        self.line(writer)
    }
}

impl Formatter for Crlf {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.item(w, first)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.item(w, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_serde_jsons_own_with_other_ends_of_lines() {
        for value in [
            json!({"a": [], "b": {}, "c": [1, [2, {"d": null}], {}], "e": "x\ny\u{e9}"}),
            json!([]),
            json!([[[]], {"a": {"b": {}}}, true]),
            json!(1.5),
        ] {
            let expected = serde_json::to_string_pretty(&value).unwrap().replace('\n', "\r\n");
            assert_eq!(text(&value), expected);
        }
    }
}
