//! ASP.NET route templates: `{x}`, `{x?}`, `{*path}`, `{x=default}` and the common constraints.

mod constraint;

use std::cmp::Reverse;

use anyhow::{Result, bail};

use constraint::Constraint;

/// What a matched route found: parameter names and values; an optional one may have none.
pub(crate) type Params = Vec<(String, Option<String>)>;

/// A parsed template.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    template: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone)]
enum Segment {
    Literal(String),
    Parameter(Parameter),
}

#[derive(Debug, Clone)]
struct Parameter {
    name: String,
    constraints: Vec<Constraint>,
    optional: bool,
    catch_all: bool,
    default: Option<String>,
}

impl Route {
    /// Parses a template, prefix included.
    pub(crate) fn parse(template: &str) -> Result<Self> {
        let mut segments = Vec::new();
        for text in template.trim_matches('/').split('/').filter(|text| !text.is_empty()) {
            if let Some(Segment::Parameter(Parameter { catch_all: true, .. })) = segments.last() {
                bail!(
                    "A catch-all parameter can only appear as the last segment of the route template."
                );
            }
            segments.push(Segment::parse(text)?);
        }
        Ok(Self { template: template.to_owned(), segments })
    }

    /// Matches a path's decoded segments.
    pub(crate) fn matches(&self, path: &[&str]) -> Option<Params> {
        let mut params = Params::new();
        for (index, segment) in self.segments.iter().enumerate() {
            match (segment, path.get(index)) {
                (Segment::Literal(text), Some(part)) if text.eq_ignore_ascii_case(part) => {}
                (Segment::Literal(_), _) => return None,
                (Segment::Parameter(parameter), part) => {
                    let rest = parameter
                        .catch_all
                        .then(|| path.get(index..).unwrap_or_default().join("/"));
                    params.push((parameter.name.clone(), parameter.take(part.copied(), rest)?));
                    if parameter.catch_all {
                        return Some(params);
                    }
                }
            }
        }
        (path.len() <= self.segments.len()).then_some(params)
    }

    /// Orders routes: the more particular one is asked first.
    pub(crate) fn order(&self) -> (Vec<u8>, Reverse<usize>) {
        (self.segments.iter().map(Segment::rank).collect(), Reverse(self.segments.len()))
    }

    pub(crate) fn template(&self) -> &str {
        &self.template
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self> {
        let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
            if text.contains(['{', '}']) {
                bail!(
                    "The route segment '{text}' mixes text and a parameter, which this host does not know."
                );
            }
            return Ok(Self::Literal(text.to_owned()));
        };
        let catch_all = inner.starts_with('*');
        let inner = inner.trim_start_matches('*');
        let (inner, default) = match inner.split_once('=') {
            Some((inner, default)) => (inner, Some(default.to_owned())),
            None => (inner, None),
        };
        let (inner, optional) = match inner.strip_suffix('?') {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        let mut parts = inner.split(':');
        let name = parts.next().unwrap_or_default().to_owned();
        if name.is_empty() || name.contains(['{', '}', '?', '*']) {
            bail!("The route parameter name '{name}' is invalid.");
        }
        let constraints = parts.map(Constraint::parse).collect::<Result<_>>()?;
        Ok(Self::Parameter(Parameter { name, constraints, optional, catch_all, default }))
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 1,
            Self::Parameter(parameter) => {
                let base = if parameter.catch_all { 4 } else { 2 };
                base + u8::from(parameter.constraints.is_empty())
            }
        }
    }
}

impl Parameter {
    /// Takes the value of this parameter; the outer `None` is "no match".
    fn take(&self, part: Option<&str>, rest: Option<String>) -> Option<Option<String>> {
        let value = rest.or_else(|| part.map(str::to_owned)).filter(|value| !value.is_empty());
        let Some(value) = value.or_else(|| self.default.clone()) else {
            return (self.optional || self.catch_all).then_some(None);
        };
        self.constraints.iter().all(|constraint| constraint.allows(&value)).then_some(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(template: &str, path: &str) -> Option<Params> {
        let parts: Vec<_> =
            path.trim_matches('/').split('/').filter(|part| !part.is_empty()).collect();
        Route::parse(template).unwrap().matches(&parts)
    }

    fn found(name: &str, value: &str) -> Params {
        vec![(name.to_owned(), Some(value.to_owned()))]
    }

    #[test]
    fn catches_all_below_a_prefix_and_nothing_beside_it() {
        assert_eq!(matches("api/{*path}", "/api/a/b"), Some(found("path", "a/b")));
        assert_eq!(matches("api/{*path}", "/API"), Some(vec![("path".to_owned(), None)]));
        assert_eq!(matches("api/{*path}", "/apis/a"), None);
        assert_eq!(matches("api/{*path}", "/tick"), None);
    }

    #[test]
    fn the_empty_constraint_is_the_root_alone() {
        assert!(matches("{ignored:maxlength(0)?}", "/").is_some());
        assert!(matches("{ignored:maxlength(0)?}", "/tick").is_none());
        assert!(matches("{ignored:maxlength(0)?}", "/a/b").is_none());
    }

    #[test]
    fn takes_parameters_with_constraints_and_defaults() {
        assert_eq!(matches("disks/{id:int}", "/disks/7"), Some(found("id", "7")));
        assert_eq!(matches("disks/{id:int}", "/disks/x"), None);
        assert_eq!(matches("disks/{id}", "/disks"), None);
        assert_eq!(matches("disks/{id?}", "/disks"), Some(vec![("id".to_owned(), None)]));
        assert_eq!(matches("disks/{id=9}", "/disks"), Some(found("id", "9")));
        assert!(Route::parse("{a:nonsense}").is_err());
    }

    #[test]
    fn asks_the_more_particular_route_first() {
        let mut routes = ["{*all}", "api/{x}", "api/{*x}", "api/new", "api/{x:int}"]
            .map(|t| Route::parse(t).unwrap());
        routes.sort_by_key(Route::order);
        let order: Vec<_> = routes.iter().map(Route::template).collect();
        assert_eq!(order, ["api/new", "api/{x:int}", "api/{x}", "api/{*x}", "{*all}"]);
    }
}
