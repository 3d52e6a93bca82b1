//! What a person may switch about this Azure, beyond what any Azure lets them; stored with the
//! settings.

use serde::{Deserialize, Serialize};

/// All switches, each in the position of today's Azure.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Switches {
    /// `CopyStart` needs `Microsoft.Compute/CreateOptionClone`, as in November 2021
    /// (compute-snapshots §0.8).
    pub(crate) copy_start_needs_feature: bool,
    /// `CopyStart` works only in the two regions of its preview (compute-snapshots §1.1).
    pub(crate) preview_regions: bool,
    /// A template link to raw.githubusercontent.com is a file of that name that was put here.
    ///
    /// GUESS: a convenience, so that the article's command works word for word.
    pub(crate) github_files: bool,
    /// How far Resource Graph is behind.
    ///
    /// GUESS: Azure promises no figure; writes are seen after some seconds.
    pub(crate) graph_delay_seconds: u64,
    /// How far lists of disks and snapshots are behind; a GET is always exact.
    pub(crate) list_delay_seconds: u64,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            copy_start_needs_feature: false,
            preview_regions: false,
            github_files: true,
            graph_delay_seconds: 10,
            list_delay_seconds: 0,
        }
    }
}
