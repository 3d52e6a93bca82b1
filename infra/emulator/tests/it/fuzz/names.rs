//! What valid requests must know of the emulator that they go to.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

/// The key that Azurite has published, as every emulator of Azure Storage has it.
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

pub(super) struct Names {
    /// The id of the last operation that was accepted.
    pub(super) operation: String,
    /// Where the content of a disk, and of an incremental snapshot, can be read.
    pub(super) content: String,
    pub(super) frozen: String,
    /// A bearer token and a SAS that open the storage account until 2100: what is written down of
    /// a failure can be sent again on any day.
    pub(super) token: String,
    pub(super) sas: String,
    /// The last message that was put or taken: its queue and id as a path, its receipt.
    pub(super) message: String,
    pub(super) receipt: String,
}

impl Names {
    pub(super) fn new(tenant: &str) -> Self {
        Self {
            operation: "none".to_owned(),
            content: "/md-a/b/abcd?sv=2018-03-28&sr=b&si=c&sig=d".to_owned(),
            frozen: "/md-a/b/abcd?snapshot=e&sv=2018-11-09&sr=bs&si=c&sig=d".to_owned(),
            token: token(tenant),
            sas: sas(),
            message: "que0/messages/none".to_owned(),
            receipt: "none".to_owned(),
        }
    }
}

fn token(tenant: &str) -> String {
    let claims = json!({
        "aud": "https://storage.azure.com", "tid": tenant, "exp": 4_102_444_800_u64,
    });
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"none"}"#), part(&claims.to_string()), part("-"))
}

/// A SAS of the account, for all that it has.
fn sas() -> String {
    let text = "devstoreaccount1\nrwdlacup\nbq\nsco\n\n2100-01-01T00:00:00Z\n\n\n2021-06-08\n\n";
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let signature: String = url::form_urlencoded::byte_serialize(signature.as_bytes()).collect();
    format!("sp=rwdlacup&ss=bq&srt=sco&se=2100-01-01T00%3A00%3A00Z&sv=2021-06-08&sig={signature}")
}
