//! The expressions of the template language, as trees: `[concat(parameters('a'), '-x')]`.
//!
//! A string that begins with `[` and ends with `]` is an expression; `[[` escapes. Nothing is
//! evaluated here, and no function name is checked.

/// How deep expressions may nest: far beyond any real one, and far from the end of the stack.
const DEPTH: usize = 64;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    Text(String),
    Int(i64),
    Call(String, Vec<Expr>),
    Property(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
}

/// What a string of a template is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text<'a> {
    Plain(&'a str),
    Expression(Expr),
}

/// Reads a string of a template.
pub(super) fn read(text: &str) -> Result<Text<'_>, String> {
    let Some(rest) = text.strip_prefix('[') else { return Ok(Text::Plain(text)) };
    if rest.starts_with('[') {
        return Ok(Text::Plain(rest));
    }
    let Some(inner) = rest.strip_suffix(']') else { return Ok(Text::Plain(text)) };
    let mut parser = Parser { rest: inner, whole: text };
    let expression = parser.expression(0)?;
    parser.space();
    if !parser.rest.is_empty() {
        return Err(parser.unexpected());
    }
    Ok(Text::Expression(expression))
}

struct Parser<'a> {
    rest: &'a str,
    whole: &'a str,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn unexpected(&self) -> String {
        match self.rest.chars().next() {
            Some(found) => format!(
                "The language expression '{}' is not valid: the string character '{found}' at \
                 position '{}' is not expected.",
                self.whole,
                self.whole.len() - 1 - self.rest.len()
            ),
            None => format!(
                "Unable to parse language expression '{}': expected token 'RightParenthesis' and \
                 actual 'EndOfData'.",
                self.whole
            ),
        }
    }

    fn eat(&mut self, token: char) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expression(&mut self, depth: usize) -> Result<Expr, String> {
        if depth > DEPTH {
            return Err(format!("The language expression is nested deeper than {DEPTH} levels."));
        }
        let mut expression = self.primary(depth)?;
        loop {
            if self.eat('.') {
                self.space();
                let name = self.name().ok_or_else(|| self.unexpected())?;
                expression = Expr::Property(Box::new(expression), name);
            } else if self.eat('[') {
                let index = self.expression(depth + 1)?;
                if !self.eat(']') {
                    return Err(self.unexpected());
                }
                expression = Expr::Index(Box::new(expression), Box::new(index));
            } else {
                return Ok(expression);
            }
        }
    }

    fn primary(&mut self, depth: usize) -> Result<Expr, String> {
        self.space();
        if self.rest.starts_with('\'') {
            return self.text();
        }
        if let Some(number) = self.number()? {
            return Ok(Expr::Int(number));
        }
        let mut name = self.name().ok_or_else(|| self.unexpected())?;
        // `namespace.function`: functions of the template's own.
        if let Some(rest) = self.rest.strip_prefix('.') {
            let before = std::mem::replace(&mut self.rest, rest);
            match self.name() {
                Some(member) if self.rest.trim_start().starts_with('(') => {
                    name = format!("{name}.{member}");
                }
                _ => self.rest = before,
            }
        }
        if !self.eat('(') {
            return Err(self.unexpected());
        }
        let mut arguments = Vec::new();
        if self.eat(')') {
            return Ok(Expr::Call(name, arguments));
        }
        loop {
            arguments.push(self.expression(depth + 1)?);
            if self.eat(')') {
                return Ok(Expr::Call(name, arguments));
            }
            if !self.eat(',') {
                return Err(self.unexpected());
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-$".contains(c);
        let end = self.rest.find(|c| !allowed(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let starts = name.chars().next().is_some_and(|c| !c.is_ascii_digit() && c != '-');
        starts.then(|| {
            self.rest = rest;
            name.to_owned()
        })
    }

    fn number(&mut self) -> Result<Option<i64>, String> {
        let digits = self.rest.strip_prefix('-').unwrap_or(self.rest);
        let count = digits.chars().take_while(char::is_ascii_digit).count();
        if count == 0 {
            return Ok(None);
        }
        let length = self.rest.len() - digits.len() + count;
        let (number, rest) = self.rest.split_at(length);
        let value = number.parse().map_err(|_| {
            format!("The integer literal '{number}' of an expression is too large.")
        })?;
        self.rest = rest;
        Ok(Some(value))
    }

    /// A text in single quotes; two of them stand for one.
    fn text(&mut self) -> Result<Expr, String> {
        let mut text = String::new();
        let mut rest = &self.rest[1..];
        loop {
            let Some(end) = rest.find('\'') else {
                self.rest = "";
                return Err(self.unexpected());
            };
            text.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('\'') {
                Some(more) => {
                    text.push('\'');
                    rest = more;
                }
                None => break,
            }
        }
        self.rest = rest;
        Ok(Expr::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(expression: &Expr) -> String {
        match expression {
            Expr::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Expr::Int(number) => number.to_string(),
            Expr::Call(name, arguments) => {
                format!("{name}({})", arguments.iter().map(write).collect::<Vec<_>>().join(", "))
            }
            Expr::Property(of, name) => format!("{}.{name}", write(of)),
            Expr::Index(of, index) => format!("{}[{}]", write(of), write(index)),
        }
    }

    fn expressions() -> impl Strategy<Value = Expr> {
        let leaf = prop_oneof![
            "[^\u{0}]{0,12}".prop_map(Expr::Text),
            any::<i64>().prop_map(Expr::Int),
            "[a-zA-Z_][a-zA-Z0-9]{0,8}".prop_map(|name| Expr::Call(name, vec![])),
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                ("[a-z][a-zA-Z]{0,6}", prop::collection::vec(inner.clone(), 0..4))
                    .prop_map(|(name, arguments)| Expr::Call(name, arguments)),
                (inner.clone(), "[a-z_][a-zA-Z0-9]{0,6}")
                    .prop_map(|(of, name)| Expr::Property(Box::new(of), name)),
                (inner.clone(), inner)
                    .prop_map(|(of, index)| Expr::Index(Box::new(of), Box::new(index))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(expression in expressions()) {
            let text = format!("[{}]", write(&expression));
            prop_assert_eq!(read(&text), Ok(Text::Expression(expression)));
        }

        #[test]
        fn no_string_breaks_the_parser(text in "\\[[\\[\\]()'.,a-z0-9 é-]{0,60}\\]?") {
            let _ = read(&text);
        }
    }

    #[test]
    fn brackets_are_escaped_by_doubling_and_half_ones_are_plain() {
        assert_eq!(read("[[x]"), Ok(Text::Plain("[x]")));
        assert_eq!(read("[x"), Ok(Text::Plain("[x")));
        assert!(read("[f('a'").is_ok_and(|text| text == Text::Plain("[f('a'")));
        assert!(read("[f('a']").is_err());
        assert!(read(&format!("[{}1{}]", "f(".repeat(5000), ")".repeat(5000))).is_err());
    }
}
