//! The state of a view that lives in the address bar, so that a copied URL opens the same view.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
    location::State,
    params::ParamsMap,
};

use crate::path;

type Go = Box<dyn Fn(&str, NavigateOptions)>;

/// The query string of the current page.
#[derive(Clone, Copy)]
pub(crate) struct Query {
    map: Memo<ParamsMap>,
    pathname: Memo<String>,
    go: StoredValue<Go, LocalStorage>,
}

/// To be called while a component is set up.
pub(crate) fn use_query() -> Query {
    let go: Go = Box::new(use_navigate());
    Query {
        map: use_query_map(),
        pathname: use_location().pathname,
        go: StoredValue::new_local(go),
    }
}

impl Query {
    /// The value of `key`, tracked; empty if it is not there.
    pub(crate) fn get(&self, key: &str) -> String {
        self.map.with(|map| map.get(key).unwrap_or_default())
    }

    /// Changes some pairs and keeps the others, without a new entry in the browser's history.
    pub(crate) fn replace(&self, changes: &[(&str, String)]) {
        self.navigate(changes, true);
    }

    /// Changes some pairs and keeps the others; the back button undoes it.
    pub(crate) fn push(&self, changes: &[(&str, String)]) {
        self.navigate(changes, false);
    }

    fn navigate(&self, changes: &[(&str, String)], replace: bool) {
        let mut pairs: Vec<(String, String)> = self.map.with_untracked(|map| {
            map.latest_values().map(|(key, value)| (key.to_string(), value.to_string())).collect()
        });
        for (key, value) in changes {
            pairs.retain(|(known, _)| known != key);
            pairs.push(((*key).to_owned(), value.clone()));
        }
        let to = path::with_query(&self.pathname.get_untracked(), &pairs);
        self.to(&to, replace);
    }

    /// Goes to another page.
    pub(crate) fn to(&self, path: &str, replace: bool) {
        let options =
            NavigateOptions { resolve: false, replace, scroll: false, state: State::default() };
        self.go.with_value(|go| go(path, options));
    }
}
