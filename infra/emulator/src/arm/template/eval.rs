//! Evaluates the expressions of a template, in texts, arrays and objects.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use serde_json::{Map, Value};

use super::{
    functions,
    parse::{self, Expr, Text},
    values::{self, weight},
};

/// Work that one template may cause, in values made: variables that double each other end here.
const FUEL: usize = 4_000_000;

/// How many variables may be evaluated for the sake of one another.
const CHAIN: usize = 64;

/// The longest text that an expression may make (ARM's limit of a literal).
pub(super) const TEXT_LIMIT: usize = 131_072;

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The template is wrong.
    Invalid(String),
    /// It needs what exists only once a resource is deployed.
    Later,
}

impl<T: Into<String>> From<T> for Stop {
    fn from(why: T) -> Self {
        Self::Invalid(why.into())
    }
}

pub(super) type Eval<T = Value> = Result<T, Stop>;

/// What functions know of the world around the deployment.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// `resourceGroup()`, `subscription()`, `deployment()`.
    pub(crate) group: Value,
    pub(crate) subscription: Value,
    pub(crate) deployment: Value,
    pub(crate) now: jiff::Timestamp,
    /// From which `newGuid()` makes ids.
    pub(crate) seed: uuid::Uuid,
}

impl Context {
    pub(super) fn subscription_id(&self) -> &str {
        self.subscription["subscriptionId"].as_str().unwrap_or_default()
    }

    pub(super) fn group_name(&self) -> &str {
        self.group["name"].as_str().unwrap_or_default()
    }
}

/// Looks at deployed resources.
pub(crate) trait Live {
    /// The resource of that id as a GET shows it.
    fn show(&self, id: &str) -> Option<Value>;
}

/// Where an expression stands.
pub(crate) struct Scope<'a> {
    pub(crate) context: &'a Context,
    pub(super) parameters: Map<String, Value>,
    pub(super) variables: &'a Map<String, Value>,
    pub(super) copies: Vec<(String, i64)>,
    pub(crate) live: Option<&'a dyn Live>,
    /// Type, name, id and symbol of the template's resources, for `reference` by name.
    pub(super) resources: &'a [super::plan::Known],
    /// Resources that `reference` was asked for, in the turns of loops too.
    pub(super) referenced: Rc<RefCell<Vec<String>>>,
    /// Whether `utcNow` and `newGuid` may be used: only in defaults of parameters.
    pub(super) defaults: bool,
    evaluating: RefCell<Vec<String>>,
    cache: RefCell<Map<String, Value>>,
    fuel: Rc<Cell<usize>>,
    pub(super) guids: Cell<u64>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(context: &'a Context, variables: &'a Map<String, Value>) -> Self {
        Self {
            context,
            parameters: Map::new(),
            variables,
            copies: Vec::new(),
            live: None,
            resources: &[],
            referenced: Rc::default(),
            defaults: false,
            evaluating: RefCell::default(),
            cache: RefCell::default(),
            fuel: Rc::new(Cell::new(FUEL)),
            guids: Cell::new(0),
        }
    }

    /// Evaluates all expressions in a value, loops of properties too.
    pub(super) fn value(&self, value: &Value) -> Eval {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(object) => {
                let mut out = Map::new();
                for (name, value) in object {
                    if let ("copy", Value::Array(loops)) = (name.as_str(), value) {
                        for each in loops {
                            let (name, items) = self.property_loop(each)?;
                            out.insert(name, items);
                        }
                        continue;
                    }
                    let name = match self.text(name)? {
                        Value::String(name) => name,
                        other => {
                            return Err(
                                format!("The property name '{other}' is not a string.").into()
                            );
                        }
                    };
                    out.insert(name, self.value(value)?);
                }
                Ok(out.into())
            }
            other => Ok(other.clone()),
        }
    }

    /// `{"name": …, "count": …, "input": …}` in a `copy` array.
    fn property_loop(&self, each: &Value) -> Eval<(String, Value)> {
        let name = each["name"].as_str().ok_or("A copy loop has no name.")?.to_owned();
        let count = values::count(&self.value(&each["count"])?)?;
        let mut items = Vec::new();
        for index in 0..count {
            items.push(self.within(&name, index).value(&each["input"])?);
        }
        Ok((name, items.into()))
    }

    /// The same scope inside one more loop.
    pub(super) fn within(&self, name: &str, index: i64) -> Scope<'_> {
        let mut copies = self.copies.clone();
        copies.push((name.to_owned(), index));
        Scope {
            parameters: self.parameters.clone(),
            variables: self.variables,
            copies,
            live: self.live,
            resources: self.resources,
            evaluating: RefCell::new(self.evaluating.borrow().clone()),
            referenced: self.referenced.clone(),
            fuel: self.fuel.clone(),
            ..Scope::new(self.context, self.variables)
        }
    }

    pub(super) fn text(&self, text: &str) -> Eval {
        match parse::read(text)? {
            Text::Plain(plain) => Ok(plain.into()),
            Text::Expression(expression) => self.expression(&expression),
        }
    }

    pub(super) fn string(&self, value: &Value, what: &str) -> Eval<String> {
        match self.value(value)? {
            Value::String(text) => Ok(text),
            other => Err(format!(
                "The template {what} is expected to be a string. Actual '{}'.",
                super::type_name(&other)
            )
            .into()),
        }
    }

    pub(super) fn expression(&self, expression: &Expr) -> Eval {
        self.burn(1)?;
        match expression {
            Expr::Text(text) => Ok(text.as_str().into()),
            Expr::Int(number) => Ok((*number).into()),
            Expr::Property(of, name) => values::property(&self.expression(of)?, name),
            Expr::Index(of, index) => {
                values::index(&self.expression(of)?, &self.expression(index)?)
            }
            Expr::Call(name, arguments) => {
                let value = functions::call(self, name, arguments)?;
                if value.as_str().is_some_and(|text| text.len() > TEXT_LIMIT) {
                    return Err(format!(
                        "The template function '{name}' made a text of more than '{TEXT_LIMIT}' characters."
                    )
                    .into());
                }
                Ok(value)
            }
        }
    }

    pub(super) fn burn(&self, fuel: usize) -> Eval<()> {
        match self.fuel.get().checked_sub(fuel) {
            Some(left) => {
                self.fuel.set(left);
                Ok(())
            }
            None => Err("The template is too complex to be evaluated.".into()),
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Eval {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, value)) = found else {
            return Err(format!(
                "The template parameter '{name}' is not found. Please see \
                 https://aka.ms/arm-syntax-parameters for usage details."
            )
            .into());
        };
        self.burn(weight(value))?;
        Ok(value.clone())
    }

    pub(super) fn variable(&self, name: &str) -> Eval {
        let known = self.variables.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let looped = || {
            let loops = self.variables.get("copy")?.as_array()?;
            loops.iter().find(|each| {
                each["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name))
            })
        };
        let key = name.to_ascii_lowercase();
        if let Some(value) = self.cache.borrow().get(&key) {
            self.burn(weight(value))?;
            return Ok(value.clone());
        }
        if self.evaluating.borrow().contains(&key) {
            return Err(format!("The template variable '{name}' is defined by itself.").into());
        }
        if self.evaluating.borrow().len() > CHAIN {
            return Err("The template is too complex to be evaluated.".into());
        }
        self.evaluating.borrow_mut().push(key.clone());
        let value = match (known, looped()) {
            (Some((_, value)), _) => self.value(value),
            (None, Some(each)) => self.property_loop(each).map(|(_, items)| items),
            (None, None) => Err(format!(
                "The template variable '{name}' is not found. Please see \
                 https://aka.ms/arm-syntax-variables for usage details."
            )
            .into()),
        };
        self.evaluating.borrow_mut().pop();
        let value = value?;
        self.burn(weight(&value))?;
        self.cache.borrow_mut().insert(key, value.clone());
        Ok(value)
    }
}
