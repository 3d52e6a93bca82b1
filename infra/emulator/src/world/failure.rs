//! What Azure says when it refuses, free of HTTP machinery.

/// A refusal: the status, Azure's code and its words.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) target: Option<String>,
    /// Made by ARM itself, not by the disk provider: the answer then says
    /// `x-ms-failure-cause: gateway` (compute-snapshots §3.5).
    pub(crate) gateway: bool,
    /// The name of the guess (`guess.rs`), where code or words are one.
    pub(crate) guess: Option<&'static str>,
    /// Further members of the error: `details`, `additionalInfo`.
    pub(crate) more: Option<Box<serde_json::Map<String, serde_json::Value>>>,
}

impl Failure {
    /// A refusal by the disk resource provider.
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            target: None,
            gateway: false,
            guess: None,
            more: None,
        }
    }

    /// A refusal by the disk resource provider in words that nobody recorded.
    pub(crate) fn guess(
        guess: &'static str,
        status: u16,
        code: &str,
        message: impl Into<String>,
    ) -> Self {
        debug_assert!(super::guess::GUESSES.iter().any(|(known, _)| *known == guess), "{guess}");
        Self { guess: Some(guess), ..Self::new(status, code, message) }
    }

    /// Adds a member to the error.
    pub(crate) fn with(mut self, name: &str, value: serde_json::Value) -> Self {
        self.more.get_or_insert_default().insert(name.to_owned(), value);
        self
    }

    /// The error as answers carry it.
    pub(crate) fn body(&self) -> serde_json::Value {
        let mut error = serde_json::json!({"code": self.code, "message": self.message});
        if let Some(target) = &self.target {
            error["target"] = target.clone().into();
        }
        for (name, value) in self.more.iter().flat_map(|more| more.iter()) {
            error[name] = value.clone();
        }
        error
    }

    /// A refusal by ARM.
    pub(crate) fn gateway(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { gateway: true, ..Self::new(status, code, message) }
    }

    pub(crate) fn target(self, target: &str) -> Self {
        Self { target: Some(target.to_owned()), ..self }
    }

    pub(crate) fn subscription_not_found(subscription: &str) -> Self {
        Self::gateway(
            404,
            "SubscriptionNotFound",
            format!("The subscription '{subscription}' could not be found."),
        )
    }

    pub(crate) fn group_not_found(group: &str) -> Self {
        Self::gateway(
            404,
            "ResourceGroupNotFound",
            format!("Resource group '{group}' could not be found."),
        )
    }

    pub(crate) fn group_being_deleted(group: &str) -> Self {
        Self::gateway(
            409,
            "ResourceGroupBeingDeleted",
            format!(
                "The resource group '{group}' is in deprovisioning state and cannot perform this \
                 operation."
            ),
        )
    }

    pub(crate) fn resource_not_found(id: &super::id::ResourceId) -> Self {
        Self::gateway(
            404,
            "ResourceNotFound",
            format!(
                "The Resource '{}/{}' under resource group '{}' was not found. For more details \
                 please go to https://aka.ms/ARMResourceNotFoundFix",
                id.resource_type(),
                id.name,
                id.group
            ),
        )
    }

    /// A source that the region does not know (compute-snapshots §0.7).
    pub(crate) fn source_not_found(name: &str) -> Self {
        Self::new(404, "NotFound", format!("Resource {name} is not found."))
    }

    pub(crate) fn invalid_content(why: impl std::fmt::Display) -> Self {
        Self::gateway(
            400,
            "InvalidRequestContent",
            format!("The request content was invalid and could not be deserialized: '{why}'."),
        )
    }

    pub(crate) fn property_changed(property: &str, name: &str) -> Self {
        // The service says "disk" even of snapshots (compute-snapshots §3.5).
        Self::new(
            400,
            "BadRequest",
            format!("Changing property '{property}' is not allowed for existing disk '{name}'."),
        )
        .target(property)
    }
}
