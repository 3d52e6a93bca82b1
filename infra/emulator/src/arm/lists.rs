//! Lists in pages: `value`, and `nextLink` while there is more. And ARM's little `$filter`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::world::{World, failure::Failure};

use super::{Call, reply::Reply};

/// One page of items in the order of their keys. `$top` cuts it shorter.
pub(super) fn page(
    world: &World,
    call: &Call,
    items: Vec<(String, Value)>,
    provider: bool,
) -> Result<Reply, Failure> {
    let (keys, values): (Vec<String>, Vec<Value>) = items.into_iter().unzip();
    let mut values = values.into_iter();
    let wanted = cut(world, call, &keys)?;
    let shown: Vec<Value> = values.by_ref().skip(wanted.start).take(wanted.count).collect();
    let body = wanted.body(call, &keys, shown);
    Ok(if provider { Reply::provider(200, body) } else { Reply::json(200, body) })
}

/// Which of the keys are on the page that is asked for.
pub(super) struct Cut {
    pub(super) start: usize,
    pub(super) count: usize,
}

/// Finds the page.
pub(super) fn cut(world: &World, call: &Call, keys: &[String]) -> Result<Cut, Failure> {
    let start = match call.query.get("$skiptoken") {
        None => 0,
        Some(token) => {
            let after = read_token(token)?;
            keys.partition_point(|key| *key <= after)
        }
    };
    let size = match call.query.get("$top").map(|top| top.parse::<usize>()) {
        None => world.settings.page_size,
        Some(Ok(top)) if top > 0 => top.min(world.settings.page_size),
        Some(_) => {
            return Err(Failure::gateway(
                400,
                "InvalidTopQueryString",
                "The '$top' query string parameter must be a positive integer.",
            ));
        }
    };
    Ok(Cut { start, count: size.min(keys.len() - start) })
}

impl Cut {
    /// The page as a body, with the way to the next one.
    pub(super) fn body(&self, call: &Call, keys: &[String], shown: Vec<Value>) -> Value {
        let end = self.start + self.count;
        let mut body = json!({"value": shown});
        if let (true, Some(last)) =
            (end < keys.len(), end.checked_sub(1).and_then(|at| keys.get(at)))
        {
            let mut link = format!("{}/{}?", call.base, call.parts.join("/"));
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in call.query.iter().filter(|(name, _)| *name != "$skiptoken") {
                query.append_pair(name, value);
            }
            query.append_pair("$skiptoken", &URL_SAFE_NO_PAD.encode(last));
            link.push_str(&query.finish());
            body["nextLink"] = link.into();
        }
        body
    }
}

fn read_token(token: &str) -> Result<String, Failure> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Failure::gateway(400, "InvalidSkipToken", "The skip token is invalid."))
}

/// `name eq 'value' and …`: the pairs, names in lower case.
pub(super) fn filter(call: &Call) -> Result<Vec<(String, String)>, Failure> {
    let Some(text) = call.query.get("$filter").filter(|text| !text.trim().is_empty()) else {
        return Ok(Vec::new());
    };
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    let bad = || {
        Failure::gateway(
            400,
            "InvalidFilterInQueryString",
            format!("Invalid $filter '{text}' specified in the query string."),
        )
    };
    loop {
        let (name, after) = rest.split_once(char::is_whitespace).ok_or_else(bad)?;
        let after = after.trim_start();
        let quoted = after
            .get(..2)
            .filter(|op| op.eq_ignore_ascii_case("eq"))
            .map(|_| after[2..].trim_start());
        let quoted = quoted.and_then(|quoted| quoted.strip_prefix('\'')).ok_or_else(bad)?;
        let (value, after) = quoted.split_once('\'').ok_or_else(bad)?;
        pairs.push((name.to_ascii_lowercase(), value.to_owned()));
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(pairs);
        }
        let joined = rest.get(..4).filter(|and| and.eq_ignore_ascii_case("and ")).is_some();
        rest = joined.then(|| rest[4..].trim_start()).ok_or_else(bad)?;
    }
}

/// Whether tags have what a filter's `tagName` and `tagValue` ask for.
pub(super) fn tagged(
    pairs: &[(String, String)],
    tags: Option<&crate::world::resource::Tags>,
) -> bool {
    let wanted = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let Some(name) = wanted("tagname") else { return true };
    let found = tags.into_iter().flatten().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.is_some_and(|(_, value)| wanted("tagvalue").is_none_or(|wanted| wanted == value))
}
