//! App settings: names compare without case, and `%NAME%` stands for a value.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

/// The app's settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings(pub(crate) BTreeMap<String, String>);

impl Settings {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Tells whether a setting is there and means yes.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// Replaces each `%NAME%`; a binding with an unknown name fails the function.
    pub(crate) fn resolve(&self, text: &str) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            let Some((name, tail)) = after.split_once('%') else { break };
            let Some(value) = self.get(name) else {
                bail!("'%{name}%' does not resolve to a value.");
            };
            out.push_str(before);
            out.push_str(value);
            rest = tail;
        }
        Ok(out + rest)
    }

    /// Replaces each `%NAME%` of a command line; an unknown name vanishes (functions-host §1.1).
    pub(crate) fn expand(&self, text: &str, more: &[(String, String)]) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            let Some((name, tail)) = after.split_once('%') else { break };
            let own = more.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            out.push_str(before);
            out.push_str(own.or_else(|| self.get(name)).unwrap_or_default());
            rest = tail;
        }
        out + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_names_without_case_and_fails_on_unknown_ones() {
        let settings = Settings(BTreeMap::from([("Tick".to_owned(), "0 * * * * *".to_owned())]));
        assert_eq!(settings.resolve("%TICK%").unwrap(), "0 * * * * *");
        assert_eq!(settings.resolve("100%").unwrap(), "100%");
        let error = settings.resolve("%NO%").unwrap_err().to_string();
        assert_eq!(error, "'%NO%' does not resolve to a value.");
        assert_eq!(settings.expand("a%NO%b%tick%", &[]), "ab0 * * * * *");
    }
}
