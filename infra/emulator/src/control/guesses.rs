//! Refusals that nobody recorded: listed with what is made of them, corrected, switched off.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    azure::Azure,
    world::guess::{Correction, GUESSES},
};

use super::{Answer, bad_request};

/// Lists every guess: when it is given, and how it is corrected.
pub(super) async fn list(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| {
        let one = |(name, when): &(&str, &str)| {
            json!({"name": name, "when": when, "correction": world.settings.guesses.get(*name)})
        };
        Json(json!({"guesses": GUESSES.iter().map(one).collect::<Vec<Value>>()}))
    })?)
}

/// Corrects guesses by name; `null` takes a correction back.
pub(super) async fn correct(
    State(azure): State<Azure>,
    Json(given): Json<BTreeMap<String, Option<Correction>>>,
) -> Answer {
    for (name, correction) in &given {
        if !GUESSES.iter().any(|(known, _)| known == name) {
            return Err(bad_request(format!("there is no guess of the name {name}")));
        }
        let status = correction.as_ref().and_then(|correction| correction.status);
        if status.is_some_and(|status| !(400..=599).contains(&status)) {
            return Err(bad_request(format!("{name}: a refusal has a status from 400 to 599")));
        }
        let words = correction.iter().flat_map(|given| [&given.code, &given.message]);
        if words.flatten().any(String::is_empty) {
            return Err(bad_request(format!("{name}: a refusal has a code and a message")));
        }
    }
    azure.with(|world, _| {
        let guesses = &mut world.settings_mut().guesses;
        for (name, correction) in given {
            match correction {
                Some(correction) => drop(guesses.insert(name, correction)),
                None => drop(guesses.remove(&name)),
            }
        }
    })?;
    list(State(azure)).await
}
