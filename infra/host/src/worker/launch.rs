//! How the handler is started: program, arguments, folder, environment (functions-host §1.2, §2.1).

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::{
    host_json::{Description, HostJson},
    settings::Settings,
};

/// Everything that a start needs.
#[derive(Debug)]
pub(crate) struct Launch {
    app_dir: PathBuf,
    description: Description,
    settings: Settings,
    port: u16,
}

impl Launch {
    pub(super) fn new(app_dir: &Path, host: &HostJson, settings: &Settings, port: u16) -> Self {
        Self {
            app_dir: app_dir.to_owned(),
            description: host.description.clone(),
            settings: settings.clone(),
            port,
        }
    }

    pub(super) fn stderr_is_error(&self) -> bool {
        self.description.stderr_is_error
    }

    /// Starts one process with a worker id of its own.
    pub(super) fn start(&self) -> std::io::Result<Child> {
        let variables = self.variables();
        let program = self.program(&variables);
        make_executable(&program);
        let mut command = match tied_to_parent() {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(&program);
                command
            }
            None => Command::new(&program),
        };
        // The arguments become one unquoted line that the system splits at spaces (§1.1).
        let line = self.settings.expand(&self.description.arguments.join(" "), &variables);
        command
            .args(line.split_whitespace())
            .current_dir(self.app_dir.join(&self.description.working_directory))
            .env_clear()
            // The host's own environment stands for the platform's; two names of it suffice.
            .envs(
                ["PATH", "HOME"]
                    .into_iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(&self.settings.0)
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    fn variables(&self) -> Vec<(String, String)> {
        let (port, id) = (self.port.to_string(), Uuid::new_v4().to_string());
        [
            ("FUNCTIONS_CUSTOMHANDLER_PORT", port.as_str()),
            ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &id),
            ("FUNCTIONS_HTTPWORKER_PORT", &port),
            ("FUNCTIONS_HTTPWORKER_ID", &id),
            ("FUNCTIONS_APP_ROOT_PATH", &self.app_dir.to_string_lossy()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// A relative path that exists in the app is meant; any other is looked up on `PATH`.
    fn program(&self, variables: &[(String, String)]) -> PathBuf {
        let path = self.settings.expand(&self.description.executable, variables);
        let own = self.app_dir.join(&self.description.worker_directory).join(&path);
        if own.exists() { own } else { path.into() }
    }
}

/// Flex sets the execute bits itself, for the file at the resolved path only (§2.1).
#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(found) = path.metadata() else { return };
    let mut permissions = found.permissions();
    if found.is_file() && permissions.mode() & 0o111 != 0o111 {
        permissions.set_mode(permissions.mode() | 0o111);
        // A file of somebody else's stays as it is; the start then says what is wrong.
        let _ = std::fs::set_permissions(path, permissions);
    }
}

/// util-linux's `setpriv`, where it is: it lets the kernel kill the handler if this host dies
/// without a chance to (§2.5). It replaces itself by the handler, so the pid is the handler's.
fn tied_to_parent() -> Option<&'static Path> {
    ["/usr/bin/setpriv", "/bin/setpriv"].map(Path::new).into_iter().find(|path| path.exists())
}
