//! The host's log: what the handler prints and what the host says itself, one line each.

use std::fmt;

use tokio::sync::broadcast;

/// Enough for a subscriber that looks away for a moment.
const BACKLOG: usize = 4096;

/// How bad a line is, by the rules of functions-host §2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// All of stdout.
    Information,
    /// A line of stderr that contains "warn".
    Warning,
    /// Any other line of stderr.
    Error,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Information => "Information",
            Self::Warning => "Warning",
            Self::Error => "Error",
        })
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// Its text, without the line's end.
    pub text: String,
}

/// Takes lines, tells subscribers and `tracing`.
#[derive(Debug, Clone)]
pub(crate) struct Log(broadcast::Sender<LogLine>);

impl Log {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<LogLine> {
        self.0.subscribe()
    }

    pub(crate) fn information(&self, text: impl Into<String>) {
        self.line(LogLevel::Information, text.into());
    }

    pub(crate) fn warning(&self, text: impl Into<String>) {
        self.line(LogLevel::Warning, text.into());
    }

    pub(crate) fn error(&self, text: impl Into<String>) {
        self.line(LogLevel::Error, text.into());
    }

    /// Logs a line of the handler's stdout, without the prefix meant for the host.
    pub(crate) fn stdout(&self, line: &str) {
        let text = line.strip_prefix("LanguageWorkerConsoleLog").unwrap_or(line);
        self.line(LogLevel::Information, text.to_owned());
    }

    /// Logs a line of the handler's stderr; returns whether it counts as an error.
    pub(crate) fn stderr(&self, line: &str, errors_only: bool) -> bool {
        let level = stderr_level(line, errors_only);
        self.line(level, line.to_owned());
        level == LogLevel::Error
    }

    fn line(&self, level: LogLevel, text: String) {
        match level {
            LogLevel::Information => tracing::info!(target: "host", "{text}"),
            LogLevel::Warning => tracing::warn!(target: "host", "{text}"),
            LogLevel::Error => tracing::error!(target: "host", "{text}"),
        }
        // Nobody listening is no failure.
        let _ = self.0.send(LogLine { level, text });
    }
}

fn stderr_level(line: &str, errors_only: bool) -> LogLevel {
    let lower = line.to_ascii_lowercase();
    if lower.contains("warn") {
        return LogLevel::Warning;
    }
    let says_error = ["error", "fail", "severe", "unhandled exception"];
    if errors_only || says_error.iter().any(|word| lower.contains(word)) {
        return LogLevel::Error;
    }
    LogLevel::Information
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_is_an_error_unless_it_warns() {
        assert_eq!(stderr_level("all is well", true), LogLevel::Error);
        assert_eq!(stderr_level("WARNING: hot", true), LogLevel::Warning);
        assert_eq!(stderr_level("all is well", false), LogLevel::Information);
    }
}
