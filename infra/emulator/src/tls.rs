//! The certificates: an authority for clients to trust and a leaf for 127.0.0.1 and localhost.
//!
//! Made once and kept, so that a client's trust outlives a restart. Their life is by the
//! machine's clock, never by the emulator's.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// What the HTTPS listener needs.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) ca_path: PathBuf,
    pub(crate) config: Arc<ServerConfig>,
}

/// Reads the certificates in `folder`, or makes them there.
pub(crate) fn load_or_make(folder: &Path) -> anyhow::Result<Tls> {
    let ca_path = folder.join("ca.pem");
    let (leaf_path, key_path) = (folder.join("server.pem"), folder.join("server.key"));
    // The key is written last: with it, all three are there.
    if !key_path.exists() {
        make(&ca_path, &leaf_path, &key_path).context("making the certificates")?;
    }
    let leaf = CertificateDer::from_pem_file(&leaf_path)
        .with_context(|| format!("reading {}", leaf_path.display()))?;
    let key = PrivateKeyDer::from_pem_file(&key_path)
        .with_context(|| format!("reading {}", key_path.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { ca_path, config: Arc::new(config) })
}

fn make(ca_path: &Path, leaf_path: &Path, key_path: &Path) -> anyhow::Result<()> {
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.distinguished_name.push(DnType::CommonName, "Local Azure emulator CA");
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (ca.not_before, ca.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2049, 1, 1));
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;

    let mut leaf = CertificateParams::default();
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    leaf.subject_alt_names = vec![
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::DnsName("localhost".try_into()?),
    ];
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    // Some clients refuse leaves that live longer than 825 days only when a public authority
    // signed them; a private one may be long.
    (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2049, 1, 1));
    let leaf_key = KeyPair::generate()?;
    let leaf_certificate = leaf.signed_by(&leaf_key, &Issuer::new(ca, ca_key))?;

    std::fs::write(ca_path, ca_certificate.pem())?;
    std::fs::write(leaf_path, leaf_certificate.pem())?;
    std::fs::write(key_path, leaf_key.serialize_pem())?;
    Ok(())
}
