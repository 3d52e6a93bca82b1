//! Requests as raw bytes, over TLS and without: what HTTP itself does not allow too.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::Duration,
};

use emulator::{Config, Emulator};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use super::{
    base, mutate,
    names::Names,
    request::{Face, Request},
};
use crate::dice::Dice;

const HANG: Duration = Duration::from_secs(20);

/// An answer that needs no more of the request comes sooner.
const PATIENCE: Duration = Duration::from_millis(150);

/// Gives how many were answered, and how many had their connection closed instead.
pub(super) async fn fuzz(requests: u64, seed: u64) -> (u64, u64) {
    let emulator = Emulator::start(Config::default()).await.unwrap();
    let tls = trust(&emulator);
    let port = |url: &str| url.split(':').nth(2).unwrap().split('/').next().unwrap().parse();
    let [arm, plain, blobs, queues] =
        [emulator.arm_url(), emulator.control_url(), emulator.blob_url(), emulator.queue_url()]
            .map(|url| port(&url).unwrap());
    let names = Names::new(emulator.tenant_id());
    let azure = emulator.azure().clone();
    let counted = tokio::task::spawn_blocking(move || {
        let mut dice = Dice::new(seed, 99);
        let mut counted = (0, 0);
        for n in 0..requests {
            let (face, bytes) = draw(&mut dice, &names);
            let answer = match face {
                Face::Arm => send_tls(arm, &tls, &bytes),
                Face::Plain => send(connect(plain), &bytes),
                Face::Blob => send(connect(blobs), &bytes),
                Face::Queue => send(connect(queues), &bytes),
            };
            let answer = answer.unwrap_or_else(|error| {
                panic!("raw request {n} of seed {seed} hangs: {error}: {}", bytes.escape_ascii())
            });
            let failed = answer.starts_with(b"HTTP/1.1 5") || azure.panics() > 0;
            assert!(!failed, "raw request {n} of seed {seed}: {}", bytes.escape_ascii());
            if answer.is_empty() {
                counted.1 += 1
            } else {
                counted.0 += 1
            }
            let clear = b"DELETE /_control/faults HTTP/1.1\r\nhost: a\r\n\r\n";
            let alive = send(connect(plain), clear).unwrap();
            assert!(alive.starts_with(b"HTTP/1.1 200"), "after raw request {n} of seed {seed}");
        }
        counted
    });
    counted.await.unwrap()
}

fn draw(dice: &mut Dice, names: &Names) -> (Face, Vec<u8>) {
    let mut request: Request = base::draw(dice, names);
    if dice.below(4) > 0 {
        mutate::mutate(dice, &mut request);
    }
    let mut bytes = request.raw(dice.below(3) == 0);
    if dice.below(2) == 0 {
        for _ in 0..=dice.below(3) {
            let at = dice.below(bytes.len().min(400) as u64) as usize;
            match dice.below(4) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, dice.next() as u8),
                2 => bytes[at] = b"\r\n \0:\xff"[dice.below(6) as usize],
                _ => bytes[at] ^= 1 << dice.below(8),
            }
        }
    }
    (request.face, bytes)
}

fn trust(emulator: &Emulator) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(emulator.ca_path()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn send_tls(port: u16, tls: &Arc<ClientConfig>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::clone(tls), name).unwrap();
    let mut stream = StreamOwned::new(connection, connect(port));
    let _ = stream.write_all(bytes);
    exchange(&mut stream, |stream| {
        stream.conn.send_close_notify();
        let _ = stream.flush();
        give_up(&stream.sock);
    })
}

fn send(mut stream: TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let _ = stream.write_all(bytes);
    exchange(&mut stream, |stream| give_up(stream))
}

/// Says that nothing more will come; then the connection must end.
fn give_up(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    stream.set_read_timeout(Some(HANG)).unwrap();
}

/// The beginning of the answer; nothing if the connection is closed. Whoever waits for more of the
/// request is told that there is none; only who waits then is an error.
fn exchange<S: Read>(stream: &mut S, give_up: impl FnOnce(&mut S)) -> io::Result<Vec<u8>> {
    let mut answer = vec![0; 64];
    let mut give_up = Some(give_up);
    loop {
        match stream.read(&mut answer) {
            Ok(length) => {
                answer.truncate(length);
                return Ok(answer);
            }
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                give_up.take().ok_or(error)?(stream);
            }
            Err(_) => return Ok(Vec::new()),
        }
    }
}
