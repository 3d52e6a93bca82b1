//! One writer: it changes names of its own, one request at a time, and knows what must be there.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::model::{BLOCKS, Resource, Seen, fits, flat};
use crate::{
    dice::Dice,
    lab::{BLOCK, copy, copy_of, copy_start, disk, snapshot},
    process::{Process, Remote},
};

/// Snapshots and copies that a writer has names for.
const NAMES: u64 = 4;

pub(super) struct Writer {
    number: u64,
    dice: Dice,
    names: BTreeMap<String, Vec<Option<Resource>>>,
    /// Polling paths of acknowledged operations.
    operations: Vec<String>,
    acknowledged: u64,
}

impl Writer {
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut names = BTreeMap::from([(disk(&format!("d{number}")), vec![None])]);
        for n in 0..NAMES {
            names.insert(snapshot(&format!("s{number}-{n}")), vec![None]);
            names.insert(copy(&format!("c{number}-{n}")), vec![None]);
        }
        let dice = Dice::new(seed, number + 1);
        Self { number, dice, names, operations: Vec::new(), acknowledged: 0 }
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Writes until an answer does not come.
    pub(super) async fn write_until_it_dies(
        mut self,
        remote: Remote,
        count: watch::Sender<u64>,
    ) -> Self {
        while self.step(&remote).await.is_ok() {
            count.send_modify(|count| *count += 1);
        }
        self
    }

    fn certain(&self, name: &str) -> Option<&Resource> {
        self.names[name][0].as_ref()
    }

    async fn step(&mut self, remote: &Remote) -> reqwest::Result<()> {
        let d = disk(&format!("d{}", self.number));
        let s = snapshot(&format!("s{}-{}", self.number, self.dice.below(NAMES)));
        let c = copy(&format!("c{}-{}", self.number, self.dice.below(NAMES)));
        let any = [&d, &s, &c][self.dice.below(3) as usize].clone();
        let tag = self.dice.below(1_000_000).to_string();
        let tags = json!({"n": tag});
        match self.dice.below(20) {
            0..=1 => {
                let mut body = json!({
                    "location": "eastus", "tags": tags,
                    "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1},
                });
                body["sku"] = json!({"name": "Premium_LRS"});
                self.put(remote, d, body, tag, [0; BLOCKS]).await
            }
            2..=5 => {
                let mut body = copy_of(&d, "eastus");
                body["tags"] = tags;
                let content = self.certain(&d).map_or([0; BLOCKS], |disk| disk.content);
                self.put(remote, s, body, tag, content).await
            }
            6..=9 => {
                let mut body = copy_start(&s, "westus2");
                body["tags"] = tags;
                let content = self.certain(&s).map_or([0; BLOCKS], |source| source.content);
                self.put(remote, c, body, tag, content).await
            }
            10 => {
                let request = remote.arm(Method::PATCH, &any).json(&json!({"tags": tags}));
                self.change(request, any, |resource| resource.tag = tag).await
            }
            11 => {
                let path = format!("{any}/providers/Microsoft.Resources/tags/default");
                let body = json!({"operation": "Merge", "properties": {"tags": tags}});
                let request = remote.arm(Method::PATCH, &path).json(&body);
                self.change(request, any, |resource| resource.tag = tag).await
            }
            12 => {
                // A disk goes more rarely than what is taken of it.
                let name = if any == d && self.dice.below(4) > 0 { s } else { any };
                let request = remote.arm(Method::DELETE, &name);
                self.change(request, name, |resource| resource.deleting = true).await
            }
            13..=16 => {
                let (block, byte) = (self.dice.below(BLOCKS as u64), self.dice.below(4) as u8);
                let query = [("id", d.clone()), ("offset", (block * BLOCK).to_string())];
                let url = format!("{}/write", remote.control_url);
                let request = remote.client.post(url).query(&query);
                let request = request.body(vec![byte; BLOCK as usize]);
                self.change(request, d, |disk| disk.content[block as usize] = byte).await
            }
            17 => {
                let (from, byte) = (self.dice.below(BLOCKS as u64) as usize, tag.len() as u8);
                let mut content = [0; BLOCKS];
                content[from..].fill(byte);
                let url = format!("{}/content", remote.control_url);
                let request = remote.client.put(url).query(&[("id", &d)]).body(flat(&content));
                self.change(request, d, |disk| disk.content = content).await
            }
            _ => {
                let url = format!("{}/clock", remote.control_url);
                let step = json!({"advance_seconds": 0.4});
                remote.client.put(url).json(&step).send().await.map(|_| ())
            }
        }
    }

    async fn put(
        &mut self,
        remote: &Remote,
        name: String,
        body: Value,
        tag: String,
        content: [u8; BLOCKS],
    ) -> reqwest::Result<()> {
        let after = match self.certain(&name) {
            Some(known) if !known.deleting => Resource { tag, ..known.clone() },
            _ => Resource { unique_id: None, tag, content, deleting: false },
        };
        let request = remote.arm(Method::PUT, &name).json(&body);
        self.send(request, name.clone(), Some(after)).await?;
        if let Some(Some(made)) =
            self.names.get_mut(&name).and_then(|alternatives| alternatives.first_mut())
            && made.unique_id.is_none()
        {
            let seen: Value = remote.arm(Method::GET, &name).send().await?.json().await?;
            made.unique_id = seen["properties"]["uniqueId"].as_str().map(str::to_owned);
        }
        Ok(())
    }

    async fn change(
        &mut self,
        request: RequestBuilder,
        name: String,
        change: impl FnOnce(&mut Resource),
    ) -> reqwest::Result<()> {
        let mut after = self.certain(&name).cloned();
        if let Some(after) = &mut after {
            change(after);
        }
        self.send(request, name, after).await
    }

    /// Until the answer comes, the name may be as before or as after.
    async fn send(
        &mut self,
        request: RequestBuilder,
        name: String,
        after: Option<Resource>,
    ) -> reqwest::Result<()> {
        let before = self.names[&name][0].clone();
        self.names.insert(name.clone(), vec![before.clone(), after.clone()]);
        let answer = request.send().await?;
        let changed = answer.status().is_success() && answer.status() != StatusCode::NO_CONTENT;
        assert!(!answer.status().is_server_error(), "{name}: {}", answer.status());
        if changed {
            self.acknowledged += 1;
            if let Some(url) = answer.headers().get("azure-asyncoperation") {
                let path = url.to_str().unwrap().split("/subscriptions/").nth(1).unwrap();
                self.operations.push(format!("/subscriptions/{path}"));
            }
        }
        self.names.insert(name, vec![if changed { after } else { before }]);
        Ok(())
    }

    /// Looks at every name after a restart; gives how many were in the air.
    pub(super) async fn verify(&mut self, process: &Process, context: &str) -> u64 {
        let mut in_the_air = 0;
        for (name, alternatives) in &mut self.names {
            in_the_air += alternatives.len() as u64 - 1;
            let seen = look(process, name).await;
            let is_copy = name.contains("rg-west");
            let fitting: Vec<_> = alternatives
                .iter()
                .map(|expected| fits(expected.as_ref(), &seen, is_copy).map(|()| expected))
                .collect();
            let found = fitting.iter().find_map(|fits| fits.as_ref().ok());
            let Some(found) = found else {
                panic!("{context}: {name}: {fitting:?}, where {alternatives:?} was acknowledged");
            };
            let mut found = (*found).clone();
            match (&mut found, &seen.body) {
                (Some(found), Some(body)) => {
                    found.unique_id = body["properties"]["uniqueId"].as_str().map(str::to_owned);
                }
                _ => found = None,
            }
            *alternatives = vec![found];
        }
        in_the_air
    }

    /// Looks at operations and copies when all of them must have ended.
    pub(super) async fn verify_ends(&mut self, process: &Process, context: &str) {
        for path in self.operations.drain(..) {
            let url = format!("{}{path}", process.arm_url);
            let answer = process.arm(Method::GET, &url).send().await.unwrap();
            let status: Value = answer.json().await.unwrap();
            assert_eq!(status["status"], "Succeeded", "{context}: {path}: {status}");
        }
        for (name, alternatives) in &mut self.names {
            let seen = look(process, name).await;
            if let Some(known) = &alternatives[0]
                && known.deleting
            {
                assert!(seen.body.is_none(), "{context}: {name} is not deleted");
                *alternatives = vec![None];
            }
            if let (true, Some(body)) = (name.contains("rg-west"), &seen.body) {
                let properties = &body["properties"];
                let failed = properties["copyCompletionError"].is_object();
                let complete = properties["completionPercent"] == 100.0;
                assert!(failed != complete, "{context}: {name} did not end: {body}");
                assert!(failed || seen.content.is_some(), "{context}: {name} cannot be read");
                if let Err(why) = fits(alternatives[0].as_ref(), &seen, failed) {
                    panic!("{context}: {name}: {why}");
                }
            }
        }
    }
}

async fn look(process: &Process, name: &str) -> Seen {
    let answer = process.arm(Method::GET, name).send().await.unwrap();
    let body = match answer.status() {
        StatusCode::OK => Some(answer.json().await.unwrap()),
        StatusCode::NOT_FOUND => None,
        status => panic!("{name}: {status}"),
    };
    let length = (BLOCKS as u64 * BLOCK).to_string();
    let query = [("id", name), ("offset", "0"), ("length", length.as_str())];
    let url = format!("{}/content", process.control_url);
    let answer = process.client.get(url).query(&query).send().await.unwrap();
    let content = match answer.status() {
        StatusCode::OK => Some(answer.bytes().await.unwrap().to_vec()),
        _ => None,
    };
    Seen { body, content }
}
