//! Features and resource providers of a subscription: registered, unregistered, and what needs
//! them.

use jiff::{SignedDuration, Timestamp};

use super::{
    World,
    failure::Failure,
    id::ResourceId,
    region,
    resource::{Creation, FeatureState, Subscription},
};

/// GUESS: how long a registration takes; recorded ones were seen only when they were over.
const PENDING: SignedDuration = SignedDuration::from_secs(5);

/// The regions of the preview of November 2021 (compute-snapshots §1.1).
const PREVIEW: &[&str] = &["eastus2", "westcentralus"];

/// Providers that every subscription here has from the start.
const REGISTERED: &[&str] = &[
    "microsoft.authorization",
    "microsoft.compute",
    "microsoft.features",
    "microsoft.network",
    "microsoft.resourcegraph",
    "microsoft.resources",
    "microsoft.storage",
];

/// Azure's word for where a registration stands.
pub(crate) fn state_word(state: Option<FeatureState>, now: Timestamp) -> &'static str {
    match state {
        None => "NotRegistered",
        Some(state) => match (state.registered, state.settled(now)) {
            (true, true) => "Registered",
            (true, false) => "Registering",
            (false, true) => "Unregistered",
            (false, false) => "Unregistering",
        },
    }
}

impl FeatureState {
    fn settled(&self, now: Timestamp) -> bool {
        self.at_once || now.duration_since(self.since) >= PENDING
    }
}

/// The key of a feature.
fn feature_key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}").to_ascii_lowercase()
}

impl Subscription {
    pub(crate) fn feature(&self, namespace: &str, name: &str) -> Option<FeatureState> {
        self.features.get(&feature_key(namespace, name)).copied()
    }

    pub(crate) fn provider_state(&self, namespace: &str, now: Timestamp) -> &'static str {
        let key = namespace.to_ascii_lowercase();
        match self.providers.get(&key) {
            None if REGISTERED.contains(&key.as_str()) => "Registered",
            state => state_word(state.copied(), now),
        }
    }
}

impl World {
    /// Registers or unregisters a feature. To ask again for what is so already changes nothing.
    pub(crate) fn set_feature(
        &mut self,
        subscription: &str,
        (namespace, name): (&str, &str),
        wanted: FeatureState,
    ) -> Result<(), Failure> {
        self.subscription(subscription)?;
        if let Some(found) = self.subscriptions.get_mut(&subscription.to_ascii_lowercase()) {
            change(&mut found.features, feature_key(namespace, name), wanted);
        }
        Ok(())
    }

    pub(crate) fn set_provider(
        &mut self,
        subscription: &str,
        namespace: &str,
        wanted: FeatureState,
    ) -> Result<(), Failure> {
        self.subscription(subscription)?;
        if let Some(found) = self.subscriptions.get_mut(&subscription.to_ascii_lowercase()) {
            let key = namespace.to_ascii_lowercase();
            let was = REGISTERED.contains(&key.as_str()) && !found.providers.contains_key(&key);
            if !(was && wanted.registered) {
                change(&mut found.providers, key, wanted);
            }
        }
        Ok(())
    }

    /// The same for a request, whose source may be anything.
    pub(super) fn check_copy_start_of(
        &self,
        subscription: &str,
        creation: &Creation,
        location: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let source = creation.source.as_deref().and_then(ResourceId::parse);
        let source = source.and_then(|id| self.managed(&id)).map(|found| found.location.as_str());
        self.check_copy_start(subscription, (source, location), now)
    }

    /// What `CopyStart` needed in November 2021, as far as it is switched on.
    pub(crate) fn check_copy_start(
        &self,
        subscription: &str,
        (source, target): (Option<&str>, &str),
        now: Timestamp,
    ) -> Result<(), Failure> {
        let switches = &self.settings.switches;
        // Recorded (compute-snapshots §0.8).
        let words = "CopyStart creation is not supported for this subscription.";
        if switches.copy_start_needs_feature {
            let state =
                self.subscription(subscription)?.feature("Microsoft.Compute", "CreateOptionClone");
            if state_word(state, now) != "Registered" {
                return Err(Failure::new(409, "OperationNotAllowed", words));
            }
        }
        // What a region outside the preview was told is not recorded.
        let outside = |location: &str| !PREVIEW.contains(&region::normalise(location).as_str());
        if switches.preview_regions && (source.is_some_and(outside) || outside(target)) {
            self.guarded(Failure::guess("preview-region", 409, "OperationNotAllowed", words))?;
        }
        Ok(())
    }

    /// Whether a resource of that provider may be made.
    pub(crate) fn check_provider(
        &self,
        subscription: &str,
        namespace: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let state = self.subscription(subscription)?.provider_state(namespace, now);
        if matches!(state, "Registered" | "Registering") {
            return Ok(());
        }
        let message = format!(
            "The subscription is not registered to use namespace '{namespace}'. See \
             https://aka.ms/rps-not-found for how to register subscriptions."
        );
        Err(Failure::gateway(409, "MissingSubscriptionRegistration", message.clone()).with(
            "details",
            serde_json::json!([{
                "code": "MissingSubscriptionRegistration", "target": namespace, "message": message,
            }]),
        ))
    }
}

fn change(
    states: &mut std::collections::BTreeMap<String, FeatureState>,
    key: String,
    wanted: FeatureState,
) {
    match states.get(&key) {
        Some(state) if state.registered == wanted.registered => {}
        _ => drop(states.insert(key, wanted)),
    }
}
