//! What a writer knows of a name: how it is, or after an unanswered request how it may be.

use serde_json::Value;

use crate::lab::BLOCK;

/// The bytes that are compared, by block.
pub(super) const BLOCKS: usize = 16;

/// A disk, a snapshot or a copy, as far as the writer gave it shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    /// Where the writer has seen it.
    pub(super) unique_id: Option<String>,
    pub(super) tag: String,
    pub(super) content: [u8; BLOCKS],
    /// Its deletion is acknowledged: it may be gone.
    pub(super) deleting: bool,
}

/// What the emulator says of a name after a restart.
pub(super) struct Seen {
    /// The resource; none: 404.
    pub(super) body: Option<Value>,
    /// The bytes; none: they cannot be read, as a copy's below 100 %.
    pub(super) content: Option<Vec<u8>>,
}

/// Whether what is seen is what may be; none is a name without a resource.
pub(super) fn fits(expected: Option<&Resource>, seen: &Seen, is_copy: bool) -> Result<(), String> {
    let (resource, body) = match (expected, &seen.body) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err("it is there".to_owned()),
        (Some(resource), None) if resource.deleting => return Ok(()),
        (Some(_), None) => return Err("it is gone".to_owned()),
        (Some(resource), Some(body)) => (resource, body),
    };
    let unique_id = body["properties"]["uniqueId"].as_str();
    if resource.unique_id.is_some() && resource.unique_id.as_deref() != unique_id {
        return Err(format!("it is another one, {unique_id:?}"));
    }
    if body["tags"]["n"] != resource.tag.as_str() {
        return Err(format!("its tag is {}", body["tags"]));
    }
    let state = body["properties"]["provisioningState"].as_str().unwrap_or_default();
    if resource.deleting != (state == "Deleting") {
        return Err(format!("it is {state}"));
    }
    match &seen.content {
        Some(bytes) if *bytes == flat(&resource.content) => Ok(()),
        Some(_) => Err("its bytes are others".to_owned()),
        None if is_copy || resource.deleting => Ok(()),
        None => Err("its bytes cannot be read".to_owned()),
    }
}

pub(super) fn flat(content: &[u8; BLOCKS]) -> Vec<u8> {
    content.iter().flat_map(|byte| std::iter::repeat_n(*byte, BLOCK as usize)).collect()
}
