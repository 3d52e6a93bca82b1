//! The two that keep the contract: our emulator in this process, Azurite as its own.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use emulator::{Config, Emulator};
use xtask::{artifacts, tools};

use crate::client::Account;

/// Our emulator.
pub(crate) struct Ours(Emulator);

impl Ours {
    pub(crate) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self(Emulator::start(Config::default()).await.unwrap())
    }

    pub(crate) fn account(&self) -> Account {
        Account::new(self.0.blob_url(), self.0.queue_url(), false)
    }
}

/// Microsoft's emulator of Azure Storage; it ends with the value.
pub(crate) struct Azurite {
    process: Child,
    blob: String,
    queue: String,
}

impl Azurite {
    pub(crate) fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let program = tools::need_azurite(&artifacts::root()).unwrap();
        let mut process = Command::new(tools::find("node").unwrap())
            .arg(program)
            .args(["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"])
            .args(["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut blob, mut queue) = (None, None);
        while blob.is_none() || queue.is_none() {
            let line = lines.next().expect("Azurite says where it listens").unwrap();
            if let Some((before, url)) = line.split_once(" is successfully listening at ") {
                let url = Some(format!("{}/devstoreaccount1", url.trim()));
                match before {
                    "Azurite Blob service" => blob = url,
                    "Azurite Queue service" => queue = url,
                    _ => {}
                }
            }
        }
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, blob: blob.unwrap(), queue: queue.unwrap() }
    }

    pub(crate) fn account(&self) -> Account {
        Account::new(self.blob.clone(), self.queue.clone(), true)
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
