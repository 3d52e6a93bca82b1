//! What can go wrong, in kinds that a caller can act on. Knows no HTTP status.

use crate::store::StoreError;

/// An error of the function.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// The request cannot be understood or carried out as it is.
    #[error("{message}")]
    Invalid {
        /// A word that programs act on.
        code: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// It collides with something that exists.
    #[error("{0}")]
    Conflict(String),
    /// Who asks may not, or the installation may not.
    #[error("{0}")]
    Forbidden(String),
    /// Nobody is signed in.
    #[error("{0}")]
    Unauthorized(String),
    /// The body is larger than any valid one.
    #[error("{0}")]
    TooLarge(String),
    /// Azure could not be listed, so that nothing can be said or done.
    #[error("{0}")]
    Unavailable(String),
    /// A request is stored, and the worker could not be told of it.
    #[error(
        "The request is stored, but the worker could not be told of it ({0}). Nothing is lost: the \
         timer's next tick carries it out, and sending the same request again tells the worker again."
    )]
    NotQueued(String),
    /// The worker could not be asked for a tick.
    #[error(
        "The worker could not be asked for a tick ({0}). The timer fires by itself all the same."
    )]
    NoTick(String),
    /// Another run takes too long to wait for.
    #[error("another run is under way")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// An invalid request.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { code, message: message.into() }
    }
}
