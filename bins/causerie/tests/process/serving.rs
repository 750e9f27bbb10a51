//! A running `causerie serve`.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread::JoinHandle,
    time::Duration,
};

use support::Client;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_causerie");
/// No start and no stop takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a process of its own; killed when dropped.
pub(crate) struct Serving {
    child: Option<Child>,
    output: BufReader<ChildStdout>,
    log: Option<JoinHandle<String>>,
    url: String,
}

/// What a server leaves when it has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it printed after the line that says where it serves.
    pub(crate) output: String,
    /// Its log.
    pub(crate) log: String,
}

/// The command with an empty environment, in a folder without a configuration file.
pub(crate) fn serve(data: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--port", "0", "--data-dir"]).arg(data).current_dir(data.parent().unwrap()).env_clear();
    command
}

impl Serving {
    /// Starts the command and returns once it has said where it serves.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            let _ = errors.read_to_string(&mut log);
            log
        });
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains(" serves on ") {
            line.clear();
            if output.read_line(&mut line).unwrap() == 0 {
                panic!("the server did not start: {}", log.join().unwrap());
            }
        }
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { child: Some(child), output, log: Some(log), url }
    }

    /// A client that is nobody yet.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url.clone())
    }

    /// Asks it to stop as a service manager does, and waits until it has.
    pub(crate) fn terminate(self) -> Ended {
        self.end("TERM")
    }

    /// Ends it without a word.
    pub(crate) fn kill(self) -> Ended {
        self.end("KILL")
    }

    fn end(mut self, signal: &str) -> Ended {
        let child = self.child.take().unwrap();
        send_signal(&child, signal);
        let status = wait(child);
        let mut output = String::new();
        self.output.read_to_string(&mut output).unwrap();
        Ended { status, output, log: self.log.take().unwrap().join().unwrap() }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn send_signal(child: &Child, signal: &str) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

fn wait(mut child: Child) -> ExitStatus {
    let id = child.id();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait()));
    match ended.recv_timeout(PATIENCE) {
        Ok(status) => status.unwrap(),
        Err(_) => {
            let _ = Command::new("sh").args(["-c", &format!("kill -KILL {id}")]).status();
            panic!("the server did not stop within {PATIENCE:?}");
        }
    }
}
