//! The portal's files: precompressed, kept for ever under a name that tells their content.

use reqwest::{Client, StatusCode, header};
use tests::Lab;

#[tokio::test(flavor = "multi_thread")]
async fn hashed_files_are_kept_for_ever_and_the_page_is_asked_for_again() {
    let lab = Lab::start().await.unwrap();
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let get = |path: String, coding: &'static str| {
        let url = format!("{}{path}", lab.stack.host().url());
        http.get(url).header(header::ACCEPT_ENCODING, coding).header("accept", "text/html").send()
    };
    let root = get("/".to_owned(), "identity").await.unwrap();
    assert_eq!(
        (root.status(), root.headers()["location"].to_str().unwrap()),
        (StatusCode::FOUND, "/portal")
    );

    let page = get("/portal/policies".to_owned(), "identity").await.unwrap();
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
    let page = page.text().await.unwrap();
    let names = page.split('"').filter(|part| part.starts_with("/portal/") && part.contains('-'));
    let mut files = 0;
    for name in names {
        let (_, ending) = name.rsplit_once('.').unwrap();
        let packed = get(name.to_owned(), "gzip;q=0.5, br").await.unwrap();
        assert_eq!(packed.status(), StatusCode::OK, "{name}");
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "br", "{name}");
        let caching = packed.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(caching.contains("immutable") && caching.contains("max-age=31536000"), "{caching}");
        let plain = get(name.to_owned(), "identity").await.unwrap();
        assert!(plain.headers().get(header::CONTENT_ENCODING).is_none());
        let kind = plain.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert!(kind.contains(match ending {
            "js" => "javascript",
            "css" => "css",
            other => other,
        }));
        assert!(plain.bytes().await.unwrap().len() > packed.bytes().await.unwrap().len(), "{name}");
        files += 1;
    }
    assert!(files >= 2, "the page names its files: {page}");
    let gone = get("/portal/app-0123456789abcdef.js".to_owned(), "br").await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    lab.stack.stop().await;
}
