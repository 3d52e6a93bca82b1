//! A real Chromium, driven by the real driver, each with a profile of its own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use anyhow::Context;
use tempfile::TempDir;
use thirtyfour::prelude::*;
use xtask::tools;

/// A browser that ends with the value.
pub struct Browser {
    /// The driver's client.
    pub page: WebDriver,
    _driver: Driver,
    _profile: TempDir,
}

/// The driver's process, which ends with the value.
struct Driver(Child);

impl Browser {
    /// Starts a browser whose window is `width` pixels wide.
    pub async fn start(width: u32) -> anyhow::Result<Self> {
        crate::install_tls();
        let program = tools::find("chromedriver").context("chromedriver is not installed")?;
        let (driver, port) = Driver::start(&program)?;
        let profile = tempfile::tempdir()?;
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--window-size={width},1000"),
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            capabilities.add_arg(argument)?;
        }
        capabilities.set_logging_prefs("browser", thirtyfour::LoggingPrefsLogLevel::All)?;
        let page = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await?;
        page.set_implicit_wait_timeout(Duration::from_secs(0)).await?;
        Ok(Self { page, _driver: driver, _profile: profile })
    }

    /// The first element that `xpath` finds, once it is there and shown.
    pub async fn find(&self, xpath: &str) -> anyhow::Result<WebElement> {
        let query = self.page.query(By::XPath(xpath.to_owned()));
        let found = query.wait(Duration::from_secs(40), Duration::from_millis(100)).and_displayed();
        found.first().await.with_context(|| format!("looking for {xpath}"))
    }

    /// The text of what `xpath` finds. A row that has just been replaced is looked for again.
    pub async fn text_of(&self, xpath: &str) -> anyhow::Result<String> {
        crate::wait_for(xpath, || async {
            match self.page.find(By::XPath(xpath.to_owned())).await {
                Ok(element) => Ok(element.text().await.ok()),
                Err(_) => Ok(None),
            }
        })
        .await
    }

    /// The button of that name, wherever it is shown.
    pub async fn button(&self, name: &str) -> anyhow::Result<WebElement> {
        self.find(&format!("//button[normalize-space(.)='{name}' and not(@disabled)]")).await
    }

    /// The field with that label in the open dialog.
    pub async fn field(&self, label: &str) -> anyhow::Result<WebElement> {
        self.field_in("//dialog[@open]", label).await
    }

    /// The field with that label within what the `XPath` `scope` finds.
    pub async fn field_in(&self, scope: &str, label: &str) -> anyhow::Result<WebElement> {
        let id =
            "{scope}//label[normalize-space(text())='{label}' or normalize-space(*[1])='{label}']";
        let label = self.find(&id.replace("{scope}", scope).replace("{label}", label)).await?;
        match label.attr("for").await? {
            Some(id) => self.find(&format!("//*[@id='{id}']")).await,
            None => Ok(label.find(By::XPath(".//input|.//select|.//textarea")).await?),
        }
    }

    /// Writes a text over what is in a field.
    pub async fn fill(&self, label: &str, text: &str) -> anyhow::Result<()> {
        self.fill_in("//dialog[@open]", label, text).await
    }

    /// The same within what the `XPath` `scope` finds.
    pub async fn fill_in(&self, scope: &str, label: &str, text: &str) -> anyhow::Result<()> {
        let field = self.field_in(scope, label).await?;
        field.send_keys(Key::Control + "a").await?;
        field.send_keys(text).await?;
        Ok(())
    }

    /// Chooses the option of that value.
    pub async fn choose(&self, label: &str, value: &str) -> anyhow::Result<()> {
        self.choose_in("//dialog[@open]", label, value).await
    }

    /// The same within what the `XPath` `scope` finds.
    pub async fn choose_in(&self, scope: &str, label: &str, value: &str) -> anyhow::Result<()> {
        let select = self.field_in(scope, label).await?;
        let option = select.find(By::XPath(format!(".//option[@value='{value}']"))).await?;
        Ok(option.click().await?)
    }

    /// Presses the button of that name in the open dialog, once nothing stands against it.
    pub async fn submit(&self, name: &str) -> anyhow::Result<()> {
        let xpath =
            format!("//dialog[@open]//button[normalize-space(.)='{name}' and not(@disabled)]");
        Ok(self.find(&xpath).await?.click().await?)
    }

    /// What the page has written to the console since it was last asked.
    pub async fn console(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.page.browser_log().await?;
        Ok(entries.into_iter().map(|entry| entry.message).collect())
    }

    /// Gives the page the width of a device, which a window cannot be below 500 pixels, and the
    /// colour scheme that the person prefers.
    pub async fn emulate(&self, width: u32, theme: &str) -> anyhow::Result<()> {
        let tools = self.page.cdp();
        let device = serde_json::json!({
            "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        tools.send_raw("Emulation.setDeviceMetricsOverride", device).await?;
        let media = serde_json::json!({
            "features": [{ "name": "prefers-color-scheme", "value": theme }],
        });
        tools.send_raw("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Waits until nothing is being loaded.
    pub async fn settled(&self) -> anyhow::Result<()> {
        crate::wait_for("the page to be loaded", || async {
            Ok((!self.text().await?.contains("Loading…")).then_some(()))
        })
        .await
    }

    /// The page's whole text.
    pub async fn text(&self) -> anyhow::Result<String> {
        Ok(self.page.find(By::Tag("body")).await?.text().await?)
    }

    /// Ends the browser in good order.
    pub async fn stop(self) -> anyhow::Result<()> {
        Ok(self.page.clone().quit().await?)
    }
}

impl Driver {
    /// A driver and its port. Asked for port 0, it binds a free IPv4 port and then the same number for IPv6, and ends
    /// by itself where another process has that one: then a new one draws another number.
    fn start(program: &Path) -> anyhow::Result<(Self, u16)> {
        for _ in 0..10 {
            let driver = Command::new(program).arg("--port=0").stdout(Stdio::piped()).spawn()?;
            let mut driver = Self(driver);
            if let Some(port) = port_of(&mut driver.0)? {
                return Ok((driver, port));
            }
        }
        anyhow::bail!("the driver ended ten times before it said its port")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Asked to end, the driver ends its browser; killed, it would leave it behind.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// The driver says where it listens, or ends without a word: `None`. Its other lines are read to the end so that it
/// never blocks.
fn port_of(driver: &mut Child) -> anyhow::Result<Option<u16>> {
    let output = driver.stdout.take().context("the driver's output")?;
    let (told, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Its first line tells the port that it was asked for: 0.
            let port = line.split("successfully on port ").nth(1);
            if let Some(port) = port.and_then(|rest| rest.trim_end_matches('.').parse().ok()) {
                let _ = told.send(port);
            }
        }
    });
    match asked.recv_timeout(Duration::from_secs(30)) {
        Ok(port) => Ok(Some(port)),
        Err(RecvTimeoutError::Disconnected) => Ok(None),
        Err(RecvTimeoutError::Timeout) => anyhow::bail!("the driver has not said its port in 30 s"),
    }
}
