//! Reads a query into its table and its operators.

use serde_json::{Value, json};

use super::tokens::{Token, Word, tokens};

/// How deep expressions may nest.
const DEPTH: usize = 64;

/// Why a query cannot be read or run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) why: String,
    pub(super) at: usize,
    pub(super) token: String,
}

/// A query.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) table: String,
    pub(super) steps: Vec<Operator>,
}

/// One operator of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operator {
    Where(Expr),
    Project(Vec<(String, Expr)>),
    Extend(Vec<(String, Expr)>),
    ProjectAway(Vec<String>),
    Rename(Vec<(String, Expr)>),
    /// By each expression, descending or not.
    Order(Vec<(Expr, bool)>),
    Take(usize),
    Count,
    Distinct(Vec<(String, Expr)>),
    Summarize {
        aggregates: Vec<(String, Expr)>,
        by: Vec<(String, Expr)>,
    },
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Literal(Value),
    Column(String),
    Member(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Binary(String, Box<Expr>, Box<Expr>),
    In { negated: bool, cased: bool, of: Box<Expr>, among: Vec<Expr> },
    Call(String, Vec<Expr>),
}

/// Operators that compare, in lower case.
const COMPARISONS: &[&str] = &[
    "==",
    "!=",
    "=~",
    "!~",
    "<",
    "<=",
    ">",
    ">=",
    "contains",
    "contains_cs",
    "startswith",
    "startswith_cs",
    "endswith",
    "endswith_cs",
    "has",
    "has_cs",
];

pub(super) fn query(text: &str) -> Result<Query, Error> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.len() };
    let mut table = "Resources".to_owned();
    // A query may begin with an operator, and is then about resources.
    let next_is_operator = parser.peek_name().is_some_and(|name| is_operator(&name));
    if !next_is_operator {
        table = parser.name()?;
    }
    let mut steps = Vec::new();
    if next_is_operator {
        steps.push(parser.operator()?);
    }
    while parser.eat("|") {
        steps.push(parser.operator()?);
    }
    let _ = parser.eat(";");
    match parser.tokens.get(parser.at) {
        None => Ok(Query { table, steps }),
        Some(_) => Err(parser.unexpected("the end")),
    }
}

fn is_operator(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "where",
        "project",
        "extend",
        "project-away",
        "project-rename",
        "project-keep",
        "order",
        "sort",
        "top",
        "limit",
        "take",
        "count",
        "distinct",
        "summarize",
    ];
    NAMES.contains(&name)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
}

impl Parser {
    fn unexpected(&self, wanted: &str) -> Error {
        let token = self.tokens.get(self.at);
        Error {
            why: format!("ParserFailure: expected {wanted}"),
            at: token.map_or(self.end, |token| token.at),
            token: token.map_or("<EOF>".to_owned(), |token| match &token.word {
                Word::Name(name) | Word::Text(name) => name.clone(),
                Word::Number(number) | Word::Span(number) => number.to_string(),
                Word::Mark(mark) => (*mark).to_owned(),
            }),
        }
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token { word: Word::Mark(found), .. }) if *found == mark);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Result<(), Error> {
        if self.eat(mark) { Ok(()) } else { Err(self.unexpected(mark)) }
    }

    fn peek_name(&self) -> Option<String> {
        match self.tokens.get(self.at) {
            Some(Token { word: Word::Name(name), .. }) => Some(name.to_ascii_lowercase()),
            _ => None,
        }
    }

    fn eat_name(&mut self, wanted: &str) -> bool {
        let found = self.peek_name().is_some_and(|name| name == wanted);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> Result<String, Error> {
        match self.tokens.get(self.at) {
            Some(Token { word: Word::Name(name), .. }) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn count(&mut self) -> Result<usize, Error> {
        match self.tokens.get(self.at) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float saturates"
            )]
            Some(Token { word: Word::Number(number), .. }) if number.fract() == 0.0 => {
                let number = *number as usize;
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.unexpected("a number")),
        }
    }

    fn operator(&mut self) -> Result<Operator, Error> {
        let before = self.at;
        let name = self.name()?.to_ascii_lowercase();
        Ok(match name.as_str() {
            "where" => Operator::Where(self.expression(0)?),
            "project" | "project-keep" => Operator::Project(self.columns()?),
            "extend" => Operator::Extend(self.columns()?),
            "project-rename" => Operator::Rename(self.columns()?),
            "project-away" => {
                let mut names = vec![self.name()?];
                while self.eat(",") {
                    names.push(self.name()?);
                }
                Operator::ProjectAway(names)
            }
            "distinct" => Operator::Distinct(self.columns()?),
            "order" | "sort" => {
                if !self.eat_name("by") {
                    return Err(self.unexpected("by"));
                }
                Operator::Order(self.order()?)
            }
            "limit" | "take" => Operator::Take(self.count()?),
            "count" => Operator::Count,
            "summarize" => {
                let mut aggregates = Vec::new();
                if self.peek_name().as_deref() != Some("by") {
                    aggregates = self.columns()?;
                }
                let by = if self.eat_name("by") { self.columns()? } else { Vec::new() };
                Operator::Summarize { aggregates, by }
            }
            _ => {
                self.at = before;
                return Err(self.unexpected("an operator that is served here"));
            }
        })
    }

    fn order(&mut self) -> Result<Vec<(Expr, bool)>, Error> {
        let mut orders = Vec::new();
        loop {
            let by = self.expression(0)?;
            let descending = if self.eat_name("asc") {
                false
            } else {
                // Descending is the default.
                let _ = self.eat_name("desc");
                true
            };
            if self.eat_name("nulls") && !self.eat_name("first") && !self.eat_name("last") {
                return Err(self.unexpected("first or last"));
            }
            orders.push((by, descending));
            if !self.eat(",") {
                return Ok(orders);
            }
        }
    }

    /// `[name =] expression, …`
    fn columns(&mut self) -> Result<Vec<(String, Expr)>, Error> {
        let mut columns: Vec<(String, Expr)> = Vec::new();
        loop {
            let named =
                matches!(self.tokens.get(self.at + 1), Some(Token { word: Word::Mark("="), .. }));
            let name = if named {
                let name = self.name()?;
                self.expect("=")?;
                Some(name)
            } else {
                None
            };
            let expression = self.expression(0)?;
            let name = name
                .or_else(|| expression.own_name())
                .unwrap_or_else(|| format!("Column{}", columns.len() + 1));
            columns.push((name, expression));
            if !self.eat(",") {
                return Ok(columns);
            }
        }
    }

    fn expression(&mut self, depth: usize) -> Result<Expr, Error> {
        if depth > DEPTH {
            return Err(self.unexpected("a simpler expression"));
        }
        let mut left = self.conjunction(depth)?;
        while self.eat_name("or") {
            left = binary("or", left, self.conjunction(depth)?);
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: usize) -> Result<Expr, Error> {
        let mut left = self.comparison(depth)?;
        while self.eat_name("and") {
            left = binary("and", left, self.comparison(depth)?);
        }
        Ok(left)
    }

    fn comparison(&mut self, depth: usize) -> Result<Expr, Error> {
        let left = self.sum(depth)?;
        let before = self.at;
        let negated = self.eat("!");
        let operator = match self.tokens.get(self.at).map(|token| &token.word) {
            Some(Word::Mark(mark)) if !negated => (*mark).to_owned(),
            Some(Word::Name(name)) => name.to_ascii_lowercase(),
            _ => String::new(),
        };
        if operator == "in" || operator == "in~" {
            self.at += 1;
            self.expect("(")?;
            let mut among = vec![self.expression(depth + 1)?];
            while self.eat(",") {
                among.push(self.expression(depth + 1)?);
            }
            self.expect(")")?;
            return Ok(Expr::In { negated, cased: operator == "in", of: Box::new(left), among });
        }
        if !COMPARISONS.contains(&operator.as_str()) {
            self.at = before;
            return Ok(left);
        }
        self.at += 1;
        let compared = binary(&operator, left, self.sum(depth)?);
        Ok(if negated { Expr::Call("not".to_owned(), vec![compared]) } else { compared })
    }

    fn sum(&mut self, depth: usize) -> Result<Expr, Error> {
        let mut left = self.product(depth)?;
        loop {
            let operator = ["+", "-"].into_iter().find(|operator| self.eat(operator));
            let Some(operator) = operator else { return Ok(left) };
            left = binary(operator, left, self.product(depth)?);
        }
    }

    fn product(&mut self, depth: usize) -> Result<Expr, Error> {
        let mut left = self.postfix(depth)?;
        loop {
            let operator = ["*", "/", "%"].into_iter().find(|operator| self.eat(operator));
            let Some(operator) = operator else { return Ok(left) };
            left = binary(operator, left, self.postfix(depth)?);
        }
    }

    fn postfix(&mut self, depth: usize) -> Result<Expr, Error> {
        let mut of = self.primary(depth)?;
        loop {
            if self.eat(".") {
                of = Expr::Member(Box::new(of), self.name()?);
            } else if self.eat("[") {
                let index = self.expression(depth + 1)?;
                self.expect("]")?;
                of = Expr::Index(Box::new(of), Box::new(index));
            } else {
                return Ok(of);
            }
        }
    }

    fn primary(&mut self, depth: usize) -> Result<Expr, Error> {
        if self.eat("(") {
            let inner = self.expression(depth + 1)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.eat("-") {
            let zero = Expr::Literal(json!(0));
            if depth > DEPTH {
                return Err(self.unexpected("a simpler expression"));
            }
            return Ok(binary("-", zero, self.primary(depth + 1)?));
        }
        let Some(token) = self.tokens.get(self.at).cloned() else {
            return Err(self.unexpected("an expression"));
        };
        match token.word {
            Word::Text(text) => {
                self.at += 1;
                Ok(Expr::Literal(text.into()))
            }
            Word::Number(number) | Word::Span(number) => {
                self.at += 1;
                Ok(Expr::Literal(super::functions::number(number)))
            }
            Word::Name(name) => {
                self.at += 1;
                if self.eat("(") {
                    return self.arguments(name, depth);
                }
                Ok(match name.to_ascii_lowercase().as_str() {
                    "true" => Expr::Literal(true.into()),
                    "false" => Expr::Literal(false.into()),
                    "null" => Expr::Literal(Value::Null),
                    _ => Expr::Column(name),
                })
            }
            Word::Mark(_) => Err(self.unexpected("an expression")),
        }
    }

    fn arguments(&mut self, name: String, depth: usize) -> Result<Expr, Error> {
        let lower = name.to_ascii_lowercase();
        // A bare date is a literal: `datetime(2021-11-04)`.
        if lower == "datetime"
            && !matches!(self.tokens.get(self.at).map(|t| &t.word), Some(Word::Text(_)))
        {
            let mut text = String::new();
            while !self.eat(")") {
                match self.tokens.get(self.at).map(|token| &token.word) {
                    Some(Word::Number(number)) if number.fract() == 0.0 => {
                        text.push_str(&format!("{number:02}"))
                    }
                    Some(Word::Number(number)) => text.push_str(&number.to_string()),
                    Some(Word::Mark(mark)) => text.push_str(mark),
                    Some(Word::Name(name)) => text.push_str(name),
                    _ => return Err(self.unexpected("a time")),
                }
                self.at += 1;
            }
            return Ok(Expr::Call(lower, vec![Expr::Literal(text.into())]));
        }
        let mut arguments = Vec::new();
        if self.eat(")") {
            return Ok(Expr::Call(lower, arguments));
        }
        loop {
            arguments.push(self.expression(depth + 1)?);
            if self.eat(")") {
                return Ok(Expr::Call(lower, arguments));
            }
            self.expect(",")?;
        }
    }
}

fn binary(operator: &str, left: Expr, right: Expr) -> Expr {
    Expr::Binary(operator.to_owned(), Box::new(left), Box::new(right))
}

impl Expr {
    /// The name of a column that has none: `properties.a.b` is `properties_a_b`.
    fn own_name(&self) -> Option<String> {
        match self {
            Expr::Column(name) => Some(name.clone()),
            Expr::Member(of, name) => Some(format!("{}_{name}", of.own_name()?)),
            Expr::Index(of, index) => match index.as_ref() {
                Expr::Literal(Value::String(name)) => Some(format!("{}_{name}", of.own_name()?)),
                _ => None,
            },
            Expr::Call(name, arguments) => match arguments.as_slice() {
                [] => Some(format!("{name}_")),
                [one] => one.own_name().map(|of| format!("{name}_{of}")),
                _ => None,
            },
            Expr::Literal(_) | Expr::Binary(..) | Expr::In { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[a-z|()\\[\\].,=~!<>'\" 0-9-]{0,60}") {
            let _ = query(&text);
        }
    }

    #[test]
    fn a_query_is_read_with_its_precedence() {
        let read = query("Resources | where a == 1 or b !in~ ('x') and not(c contains 'y') // end")
            .unwrap();
        let Operator::Where(Expr::Binary(or, _, right)) = &read.steps[0] else {
            panic!("{read:?}")
        };
        let Expr::Binary(and, left, _) = right.as_ref() else { panic!("{right:?}") };
        assert_eq!((or.as_str(), and.as_str()), ("or", "and"));
        assert!(matches!(left.as_ref(), Expr::In { negated: true, cased: false, .. }));
        for wrong in [
            "Resources | nothing",
            "Resources | where",
            "Resources | where a ==",
            "a b",
            "| where x",
        ] {
            assert!(query(wrong).is_err(), "{wrong}");
        }
        assert!(query(&format!("where {}1", "(".repeat(5000))).is_err());
        assert!(query(&format!("where {}1", "-".repeat(5000))).is_err());
    }
}
