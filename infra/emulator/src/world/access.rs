//! `beginGetAccess` and `endGetAccess`: SAS of disks and snapshots that really end.
//!
//! The SAS names a policy that the service keeps (there is no expiry in the URL), so that ending
//! the access ends every copy of the URL at once (delta-copy §2.1). Its life is by the emulator's
//! clock. The HTTP face of the URL is in `arm/blob.rs`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Event, World,
    disks::incomplete,
    failure::Failure,
    id::{Kind, ResourceId},
    operations::{Duration, Effect, Operation},
    resource::{Managed, Upload},
};

/// SAS that may be out at a time within one snapshot family (compute-snapshots §1.3).
const PER_FAMILY: usize = 5;

/// What the body of `beginGetAccess` asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    pub(crate) access: Option<String>,
    pub(crate) duration_in_seconds: Option<i64>,
    pub(crate) file_format: Option<String>,
}

/// A SAS that is out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) resource: ResourceId,
    pub(crate) unique_id: Uuid,
    pub(crate) account: String,
    pub(crate) container: String,
    /// `si` of the URL: the policy's name.
    pub(crate) policy: String,
    /// `sig` of the URL, before it is encoded.
    pub(crate) signature: String,
    /// `snapshot` of the URL, of an incremental snapshot.
    pub(crate) snapshot: Option<String>,
    pub(crate) write: bool,
    /// The content comes as a VHDX, not as a VHD.
    #[serde(default)]
    pub(crate) vhdx: bool,
    pub(crate) expires_at: Timestamp,
}

impl Grant {
    /// Where the URL leads, from the base of the storage face on (compute-snapshots §2.4,
    /// delta-copy §2.1: disks and full snapshots have another form than incremental ones).
    pub(crate) fn path_and_query(&self) -> String {
        let signature: String =
            url::form_urlencoded::byte_serialize(self.signature.as_bytes()).collect();
        let Self { account, container, policy, .. } = self;
        match &self.snapshot {
            None => format!(
                "/{account}/{container}/abcd?sv=2018-03-28&sr=b&si={policy}&sig={signature}"
            ),
            Some(snapshot) => {
                let snapshot = snapshot.replace(':', "%3A");
                format!(
                    "/{account}/{container}/abcd?snapshot={snapshot}&sv=2018-11-09&sr=bs\
                     &si={policy}&sig={signature}"
                )
            }
        }
    }
}

impl World {
    /// Accepts a `beginGetAccess`.
    pub(crate) fn grant_access(
        &mut self,
        id: &ResourceId,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let found = self.find(id)?.clone();
        super::desired::check_not_deleting(&found)?;
        let access = wanted.access.as_deref().unwrap_or_default().to_ascii_lowercase();
        let write = match access.as_str() {
            "read" => false,
            "write" => true,
            "none" => return self.revoke_access(id, now),
            _ => return Err(invalid("access", wanted.access.as_deref().unwrap_or("null"))),
        };
        // GUESS: the largest; a SAS of any int32 is documented, 0 is not.
        let seconds = wanted.duration_in_seconds.unwrap_or(0);
        if !(1..=i64::from(i32::MAX)).contains(&seconds) {
            return Err(Failure::guess(
                "access-duration",
                400,
                "InvalidParameter",
                format!("The value '{seconds}' of parameter 'durationInSeconds' is out of range."),
            )
            .target("durationInSeconds"));
        }
        let vhdx = check_format(&found, wanted)?;
        self.check_grant(&found, write)?;
        let expires_at = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        let grant = self.new_grant(&found, (write, vhdx), expires_at);
        let key = format!("{}/{}", grant.account, grant.container);
        if let Some(managed) = self.managed_mut(id)
            && let Some(old) = managed.sas.replace(key.clone())
        {
            self.grants.remove(&old);
        }
        if write {
            self.set_upload(id, Some(Upload::Active));
        }
        self.agenda.insert((expires_at, Event::AccessEnd(found.unique_id)));
        let effect = Effect::Grant { id: found.id.clone(), url: grant.path_and_query() };
        self.grants.insert(key, grant);
        let place = (found.id.subscription.as_str(), found.location.as_str());
        Ok(self.begin(effect, place, Some(found.unique_id), Duration::Access, now))
    }

    /// Accepts an `endGetAccess`; what has no SAS ends all the same.
    pub(crate) fn revoke_access(
        &mut self,
        id: &ResourceId,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let found = self.find(id)?;
        let (unique_id, id, location) = (found.unique_id, found.id.clone(), found.location.clone());
        // The URL is dead from the acceptance on.
        self.end_access(&id);
        let place = (id.subscription.as_str(), location.as_str());
        Ok(self.begin(Effect::Revoke(id.clone()), place, Some(unique_id), Duration::Access, now))
    }

    /// Ends a SAS whose time is over, unless it was given anew since.
    pub(super) fn expire_access(&mut self, unique_id: Uuid, at: Timestamp) {
        let over = self.grants.values().find(|g| g.unique_id == unique_id && g.expires_at <= at);
        if let Some(id) = over.map(|grant| grant.resource.clone()) {
            self.end_access(&id);
        }
    }

    /// Forgets the SAS of a disk or snapshot, if it has one; an upload is complete with that.
    pub(super) fn end_access(&mut self, id: &ResourceId) {
        let Some(managed) = self.managed_mut(id) else { return };
        let Some(key) = managed.sas.take() else { return };
        self.grants.remove(&key);
        let uploading = self.managed(id).is_some_and(|m| m.upload == Some(Upload::Active));
        if uploading {
            self.set_upload(id, None);
        }
    }

    fn set_upload(&mut self, id: &ResourceId, upload: Option<Upload>) {
        if let Some(managed) = self.managed_mut(id) {
            managed.upload = upload;
        }
    }

    /// The grant that a URL names, with the resource that it opens.
    pub(crate) fn granted(&self, account: &str, container: &str) -> Option<(&Grant, &Managed)> {
        let grant = self.grants.get(&format!("{account}/{container}"))?;
        let managed = self.managed(&grant.resource)?;
        (managed.unique_id == grant.unique_id).then_some((grant, managed))
    }

    fn new_grant(
        &mut self,
        of: &Managed,
        (write, vhdx): (bool, bool),
        expires_at: Timestamp,
    ) -> Grant {
        let incremental = self.snapshots.get(&of.id.key()).is_some_and(|s| s.incremental);
        let words = [self.new_id(), self.new_id(), self.new_id(), self.new_id()];
        let policy = if incremental && of.id.kind == Kind::Snapshot {
            format!("{}{}", words[0].simple(), words[1].simple())
        } else {
            words[0].to_string()
        };
        let signature = {
            use base64::{Engine, engine::general_purpose::STANDARD};
            let bytes: Vec<u8> = words[2..].iter().flat_map(|word| *word.as_bytes()).collect();
            STANDARD.encode(bytes)
        };
        let snapshot =
            incremental.then(|| of.created_at.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string());
        Grant {
            resource: of.id.clone(),
            unique_id: of.unique_id,
            account: format!("md-{}", random_name(words[1])),
            container: random_name(words[3]),
            policy,
            signature,
            snapshot,
            write,
            vhdx,
            expires_at,
        }
    }

    fn check_grant(&self, found: &Managed, write: bool) -> Result<(), Failure> {
        let name = &found.id.name;
        let refuse = |guess, text: String| {
            self.guarded(Failure::guess(guess, 409, "OperationNotAllowed", text))
        };
        if write != found.upload.is_some() {
            refuse(
                "access-write",
                format!(
                    "Write access is for uploads, Read access for all else; not so for {name}."
                ),
            )?;
        }
        if found.settings.get("networkAccessPolicy").and_then(|v| v.as_str()) == Some("DenyAll") {
            refuse(
                "access-denied-by-policy",
                format!("The networkAccessPolicy of {name} is DenyAll: no access can be granted."),
            )?;
        }
        let owner = self.disks.get(&found.id.key()).and_then(|disk| disk.managed_by.as_ref());
        if let (Kind::Disk, Some(owner)) = (found.id.kind, owner) {
            refuse("access-attached", format!("Disk {name} is attached to VM {owner}."))?;
        }
        let Some(snapshot) = self.snapshots.get(&found.id.key()) else { return Ok(()) };
        if !self.is_complete(snapshot) {
            self.guarded(Failure { guess: Some("access-incomplete"), ..incomplete(name) })?;
        }
        if let Some(family) = snapshot.family {
            let others = self.chain(snapshot.point.disk).filter(|other| {
                other.family == Some(family)
                    && other.base.sas.is_some()
                    && other.base.unique_id != found.unique_id
            });
            if others.count() >= PER_FAMILY {
                refuse(
                    "access-too-many",
                    format!(
                        "{PER_FAMILY} snapshots of the family of {name} have an active shared \
                         access signature. Call EndGetAccess for one of them first."
                    ),
                )?;
            }
        }
        Ok(())
    }
}

/// Whether the content is to come as a VHDX.
fn check_format(found: &Managed, wanted: &Wanted) -> Result<bool, Failure> {
    let format = wanted.file_format.as_deref();
    if let Some(format) = format
        && !["VHD", "VHDX"].iter().any(|known| known.eq_ignore_ascii_case(format))
    {
        return Err(invalid("fileFormat", format));
    }
    let vhdx = format.is_some_and(|format| format.eq_ignore_ascii_case("VHDX"));
    if found.sector_bytes() == 4096 && !vhdx {
        // The words are from a thread (compute-snapshots §2.4), code and status are not.
        return Err(Failure::new(
            400,
            "BadRequest",
            "Accessing disk or snapshot with a logical sector size of 4096 requires \
             specifying the file format. Set the fileFormat property to VHDX.",
        ));
    }
    Ok(vhdx)
}

fn invalid(parameter: &str, value: &str) -> Failure {
    Failure::guess(
        "invalid-value",
        400,
        "InvalidParameter",
        format!("The value '{value}' of parameter '{parameter}' is invalid."),
    )
    .target(parameter)
}

/// Twelve letters and digits, as Azure names accounts and containers of managed disks.
fn random_name(word: Uuid) -> String {
    let mut rest = word.as_u128();
    (0..12)
        .map(|_| {
            let digit = char::from_digit((rest % 36) as u32, 36).unwrap_or('0');
            rest /= 36;
            digit
        })
        .collect()
}
