//! What people and clouds do meanwhile: drawn from the seed, undone after a while.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::{drive::Simulation, estate::Weather, look::Look, scenario::Keep, words};

/// What puts something right again.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    /// The policies of that installation are as people mean them.
    Policies(usize),
    /// Rights are given back.
    Rights,
    /// A lock, by its path, is taken off.
    Lock(String),
    /// A place is back.
    Place(usize),
    /// Clocks are right.
    Clocks,
    /// A copy goes on.
    Copy(String),
    /// A disk is made again.
    Disk(usize),
}

const LOCKS: &str = "api-version=2020-05-01";

impl Simulation {
    /// Something happens, or nothing.
    pub(crate) async fn happen(&mut self, stormy: bool) -> anyhow::Result<()> {
        if self.dice.chance(0.5) {
            self.write_to_a_disk().await?;
        }
        if self.dice.chance(0.04) {
            self.click().await?;
        }
        if !stormy {
            return Ok(());
        }
        if self.dice.chance(0.15) {
            self.change_weather();
        }
        // About two happenings a day.
        let rounds_a_day = 1_440 / self.estate.state().scenario.tick_minutes;
        if !self.dice.chance(2.0 / rounds_a_day as f64) {
            return Ok(());
        }
        let gentle = self.estate.state().scenario.gentle;
        match self.dice.below(14) {
            4 | 5 | 7 if gentle => Ok(()),
            0 | 1 => self.mistype().await,
            2 => self.disable().await,
            3 => self.delete_a_disk().await,
            4 => self.delete_points(false).await,
            5 => self.delete_points(true).await,
            6 => self.send_away(),
            7 => self.trouble_a_copy().await,
            8 => self.lock().await,
            9 => self.narrow_rights().await,
            10 => self.turn_clocks(),
            11 => self.sleep_in(),
            12 => self.make_by_hand().await,
            _ => self.delete_foreign().await,
        }
    }

    fn change_weather(&mut self) {
        let dice = &mut self.dice;
        let odds = |dice: &mut crate::dice::Dice, most: f64| {
            if dice.chance(0.6) { 0.0 } else { most * (1 + dice.below(10)) as f64 / 10.0 }
        };
        let weather = Weather {
            drop: odds(dice, 0.10),
            lost: odds(dice, 0.10),
            error: odds(dice, 0.15),
            throttle: odds(dice, 0.10),
            cut: odds(dice, 0.05),
            latency: dice.one(&[20, 100, 1_000, 5_000]),
            store_read: odds(dice, 0.03),
            store_write: odds(dice, 0.03),
            away: vec![],
            narrowed: BTreeSet::new(),
        };
        let mut state = self.estate.state();
        let Weather { away, narrowed, .. } = std::mem::take(&mut state.weather);
        state.weather = Weather { away, narrowed, ..weather };
    }

    async fn write_to_a_disk(&mut self) -> anyhow::Result<()> {
        let number = self.dice.below(self.estate.state().scenario.disks.len() as u64) as usize;
        let disk = self.estate.state().scenario.disks[number].clone();
        if !disk.there {
            return Ok(());
        }
        let blocks = 1 + self.dice.below(3);
        let offset = self.dice.below(disk.bytes / 4096) * 4096;
        let byte = self.dice.below(255) as u8 + 1;
        self.estate.write(&disk.id, offset, vec![byte; blocks as usize * 4096]).await
    }

    fn an_installation(&mut self) -> usize {
        self.dice.below(self.deployments.len() as u64) as usize
    }

    /// A person edits a policy wrongly, and notices hours later.
    async fn mistype(&mut self) -> anyhow::Result<()> {
        let installation = self.an_installation();
        let meant = self.estate.state().scenario.installations[installation].meant.clone();
        let Some(mut wish) = self.dice.pick(&meant).cloned() else { return Ok(()) };
        match self.dice.below(4) {
            0 => wish.keep = Keep::last(2),
            1 => wish.targets.iter_mut().for_each(|(_, keep)| *keep = Keep::last(1)),
            2 => {
                wish.disks.pop();
            }
            _ => {
                wish.every_minutes = 180;
                wish.daily_at = None;
            }
        }
        if wish.disks.is_empty() {
            return Ok(());
        }
        self.estate.state().report.fault("mistyped policy");
        self.save(installation, wish).await?;
        let minutes = self.dice.between(30, 40 * 60);
        self.undos.push((self.in_minutes(minutes), Undo::Policies(installation)));
        Ok(())
    }

    async fn disable(&mut self) -> anyhow::Result<()> {
        let installation = self.an_installation();
        let meant = self.estate.state().scenario.installations[installation].meant.clone();
        let Some(mut wish) = self.dice.pick(&meant).cloned() else { return Ok(()) };
        let fault = match self.dice.below(3) {
            0 => {
                wish.enabled = false;
                "disabled policy"
            }
            1 => {
                wish.deleted = true;
                "deleted policy"
            }
            _ => {
                wish.paused_until = Some(self.in_minutes(self.dice.clone().between(60, 3_000)));
                "paused policy"
            }
        };
        self.estate.state().report.fault(fault);
        self.save(installation, wish).await?;
        let minutes = self.dice.between(60, 60 * 60);
        self.undos.push((self.in_minutes(minutes), Undo::Policies(installation)));
        Ok(())
    }

    async fn delete_a_disk(&mut self) -> anyhow::Result<()> {
        let number = self.dice.below(self.estate.state().scenario.disks.len() as u64) as usize;
        let disk = self.estate.state().scenario.disks[number].clone();
        if !disk.there {
            return Ok(());
        }
        let path = format!("{}?api-version=2023-10-02", disk.id);
        let answer = self.estate.arm(Method::DELETE, &path, None).await?;
        if !answer.status.is_success() {
            return Ok(());
        }
        self.estate.state().report.fault("deleted disk");
        self.note(format!("{} is deleted", disk.name));
        self.estate.state().scenario.disks[number].there = false;
        self.estate.changed();
        let minutes = self.dice.between(5, 30 * 60);
        self.undos.push((self.in_minutes(minutes), Undo::Disk(number)));
        Ok(())
    }

    /// Somebody deletes points of ours.
    async fn delete_points(&mut self, copies: bool) -> anyhow::Result<()> {
        let look = self.estate.look()?;
        let ours: Vec<_> = look
            .points
            .iter()
            .filter(|p| p.is_copy == copies && p.tag("snapferry-policy").is_some())
            .collect();
        let Some(disk) = self.dice.pick(&ours).and_then(|p| p.disk()).map(str::to_owned) else {
            return Ok(());
        };
        let of_disk: Vec<_> = ours.into_iter().filter(|p| p.disk() == Some(&disk)).collect();
        let all = self.dice.chance(0.3);
        for point in of_disk {
            if all || self.dice.chance(0.3) {
                self.delete_point(&point.id).await?;
            }
        }
        self.estate.state().report.fault(if copies { "copies deleted" } else { "sources deleted" });
        self.estate.state().ledger.disturbed.insert(disk);
        Ok(())
    }

    async fn delete_point(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("{id}?api-version=2023-10-02");
        let answer = self.estate.arm(Method::DELETE, &path, None).await?;
        let name = id.rsplit('/').next().unwrap_or_default();
        self.note(format!("somebody deletes {name}: {}", answer.status));
        self.estate.changed();
        Ok(())
    }

    fn send_away(&mut self) -> anyhow::Result<()> {
        let places = self.estate.state().scenario.places.len();
        if places < 2 {
            return Ok(());
        }
        let place = 1 + self.dice.below(places as u64 - 1) as usize;
        self.note(format!("place {place} is away"));
        self.estate.state().weather.away.push(place);
        let minutes = self.dice.between(60, 48 * 60);
        self.undos.push((self.in_minutes(minutes), Undo::Place(place)));
        Ok(())
    }

    async fn trouble_a_copy(&mut self) -> anyhow::Result<()> {
        let look = self.estate.look()?;
        let moving: Vec<_> = look.points.iter().filter(|p| p.is_copy && p.is_under_way()).collect();
        let Some(copy) = self.dice.pick(&moving) else { return Ok(()) };
        let stalls = self.dice.chance(0.5);
        let percent = self.dice.below(100);
        let body = if stalls {
            json!({ "stall_percent": percent })
        } else {
            json!({ "fail_percent": percent, "code": "InternalError" })
        };
        // It may have ended since that look.
        if self.estate.control(Method::PUT, &format!("copy?id={}", copy.id), &body).await.is_err() {
            return Ok(());
        }
        self.note(format!("{} has trouble: {body}", copy.id));
        self.estate.state().report.fault(if stalls { "stalled copy" } else { "failed copy" });
        if stalls {
            let minutes = self.dice.between(60, 30 * 60);
            self.undos.push((self.in_minutes(minutes), Undo::Copy(copy.id.clone())));
        }
        // A policy may give a stalled copy up, and a whole one is not sent twice by itself.
        if let Some(disk) = copy.disk() {
            self.estate.state().ledger.disturbed.insert(disk.to_owned());
        }
        Ok(())
    }

    async fn lock(&mut self) -> anyhow::Result<()> {
        let places = self.estate.state().scenario.places.clone();
        let Some(place) = self.dice.pick(&places) else { return Ok(()) };
        let level = self.dice.one(&["CanNotDelete", "ReadOnly"]);
        let path = format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Authorization/locks/a-lock?{LOCKS}",
            place.subscription, place.group
        );
        let body = json!({ "properties": { "level": level } });
        self.estate.arm(Method::PUT, &path, Some(&body)).await?;
        self.note(format!("{level} on {}", place.group));
        let group = group_of(&path);
        self.estate.state().ledger.locks.insert(group, level == "ReadOnly");
        self.estate.state().report.fault("lock");
        let minutes = self.dice.between(60, 48 * 60);
        self.undos.push((self.in_minutes(minutes), Undo::Lock(path)));
        Ok(())
    }

    /// Rights to see some snapshots or disks are taken away, and nobody says so.
    async fn narrow_rights(&mut self) -> anyhow::Result<()> {
        let places = self.estate.state().scenario.places.clone();
        let Some(place) = self.dice.pick(&places) else { return Ok(()) };
        let denied =
            self.dice.one(&["Microsoft.Compute/snapshots/read", "Microsoft.Compute/disks/read"]);
        let scope = format!("/subscriptions/{}/resourceGroups/{}", place.subscription, place.group);
        let header = self.principal().await?;
        let rule = json!({ "principal": header, "scope": scope, "denied": [denied] });
        self.estate.control(Method::POST, "access", &rule).await?;
        self.note(format!("{denied} is taken away on {}", place.group));
        // Disks that are not seen are let go of; what is missed are points.
        let look = self.estate.look()?;
        let missed = look
            .points
            .iter()
            .filter(|p| p.group == place.group && p.tag("snapferry-policy").is_some())
            .filter(|_| denied.contains("snapshots"))
            .filter_map(|p| p.tag("snapferry-installation").map(str::to_owned));
        self.estate.state().weather.narrowed.extend(missed);
        self.estate.state().report.fault("narrowed rights");
        // After a day, what is not seen counts as gone.
        let minutes = self.dice.between(60, 20 * 60);
        self.undos.push((self.in_minutes(minutes), Undo::Rights));
        Ok(())
    }

    /// The identity of the installations, as their tokens name it.
    async fn principal(&self) -> anyhow::Result<String> {
        let request = axum::http::Request::get(
            "http://identity/msi/token?api-version=2019-08-01&resource=https://management.azure.com",
        )
        .header("x-identity-header", self.estate.identity_header()?)
        .body(axum::body::Body::empty())?;
        let response = self.estate.forward(request).await;
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await?;
        let body: Value = serde_json::from_slice(&bytes)?;
        Ok(body["client_id"].as_str().unwrap_or_default().to_owned())
    }

    fn turn_clocks(&mut self) -> anyhow::Result<()> {
        const YEAR: i64 = 365 * 86_400;
        let gentle = self.estate.state().scenario.gentle;
        let (azure, host) = match self.dice.below(4) {
            3 if gentle => (0, -86_400),
            0 => (0, self.dice.one(&[600, -600, 86_400])),
            1 => (0, self.dice.one(&[YEAR, -YEAR])),
            // Not enough to matter.
            2 => (0, self.dice.one(&[120, -200])),
            _ => (YEAR, 0),
        };
        self.note(format!("Azure's clock is off by {azure} s, the host's by {host} s"));
        self.estate.clocks().set_off(azure, host);
        self.estate.state().report.fault("clock jump");
        let minutes = self.dice.between(60, 24 * 60);
        self.undos.push((self.in_minutes(minutes), Undo::Clocks));
        Ok(())
    }

    fn sleep_in(&mut self) -> anyhow::Result<()> {
        let installation = self.an_installation();
        let hours = self.dice.one(&[6, 12, 30, 60]);
        let minutes = self.estate.state().scenario.tick_minutes;
        self.deployments[installation].asleep = hours * 60 / minutes;
        self.estate.state().report.fault("outage of the timer");
        self.note(format!("installation {installation} sleeps for {hours} h"));
        Ok(())
    }

    async fn make_by_hand(&mut self) -> anyhow::Result<()> {
        let disks = self.estate.state().scenario.disks.clone();
        let Some(disk) = self.dice.pick(&disks).filter(|disk| disk.there) else { return Ok(()) };
        let name = format!("by-hand-{}", self.dice.below(1_000_000));
        let group = disk.id.split("/providers/").next().unwrap_or_default();
        let path =
            format!("{group}/providers/Microsoft.Compute/snapshots/{name}?api-version=2023-10-02");
        let body = json!({
            "location": "westeurope", "sku": { "name": "Standard_LRS" },
            "properties": {
                "creationData": { "createOption": "Copy", "sourceResourceId": disk.id },
                "incremental": true,
            },
        });
        let answer = self.estate.arm(Method::PUT, &path, Some(&body)).await?;
        self.note(format!("somebody makes {name}: {}", answer.status));
        self.estate.state().report.fault("foreign snapshot");
        self.estate.changed();
        Ok(())
    }

    async fn delete_foreign(&mut self) -> anyhow::Result<()> {
        let look = self.estate.look()?;
        let foreign: Vec<_> =
            look.points.iter().filter(|p| p.tag("snapferry-installation").is_none()).collect();
        match self.dice.pick(&foreign) {
            Some(point) => self.delete_point(&point.id).await,
            None => Ok(()),
        }
    }

    /// A person clicks.
    async fn click(&mut self) -> anyhow::Result<()> {
        let installation = self.an_installation();
        let look: std::sync::Arc<Look> = self.estate.look()?;
        let action = match self.dice.below(3) {
            0 => {
                let points: Vec<_> = look.points.iter().filter(|p| p.ready).collect();
                let Some(point) = self.dice.pick(&points) else { return Ok(()) };
                words::keep(&point.id)
            }
            _ => {
                let disks = self.estate.state().scenario.disks.clone();
                let Some(disk) = self.dice.pick(&disks).filter(|d| d.there) else { return Ok(()) };
                words::snapshot(&disk.id, "app", &format!("clicked-{}", self.asked + 1))
            }
        };
        self.ask(installation, &action).await
    }

    /// Everything that happened is put right.
    pub(crate) async fn calm_down(&mut self) -> anyhow::Result<()> {
        self.estate.state().weather = Weather { latency: 40, ..Weather::default() };
        for (_, undo) in std::mem::take(&mut self.undos) {
            self.undo(undo).await?;
        }
        for deployment in &mut self.deployments {
            deployment.asleep = 0;
        }
        self.save_all().await
    }

    pub(crate) async fn undo(&mut self, undo: Undo) -> anyhow::Result<()> {
        self.note(format!("undone: {undo:?}"));
        match undo {
            Undo::Policies(installation) => {
                let meant = self.estate.state().scenario.installations[installation].meant.clone();
                for wish in meant {
                    self.save(installation, wish).await?;
                }
            }
            Undo::Rights => {
                self.estate.control(Method::DELETE, "access", &Value::Null).await?;
                self.estate.state().weather.narrowed.clear();
            }
            Undo::Lock(path) => {
                self.estate.arm(Method::DELETE, &path, None).await?;
                self.estate.state().ledger.locks.remove(&group_of(&path));
            }
            Undo::Place(place) => self.estate.state().weather.away.retain(|away| *away != place),
            Undo::Clocks => self.estate.clocks().set_off(0, 0),
            Undo::Copy(id) => {
                // It may be gone by now.
                let body = json!({ "release": true });
                let _ = self.estate.control(Method::PUT, &format!("copy?id={id}"), &body).await;
            }
            Undo::Disk(number) => {
                let seed = {
                    let disk = &mut self.estate.state().scenario.disks[number];
                    disk.there = true;
                    disk.seed()
                };
                self.estate.control(Method::POST, "seed", &json!({ "disks": [seed] })).await?;
                self.estate.changed();
            }
        }
        Ok(())
    }
}

/// The key of the group that a lock's path names.
fn group_of(path: &str) -> String {
    let group = path.split("/providers/").next().unwrap_or_default();
    group.to_ascii_lowercase()
}
