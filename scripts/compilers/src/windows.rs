//! Compilers of Windows, each shader with a time limit: `windows.exe` runs under Wine in several processes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

/// What became of a shader.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was compiled, in so many milliseconds of processor time, to so many bytes.
    Built { ms: f64, bytes: usize },
    /// The compiler's complaint.
    Refused(String),
    /// It took longer than the limit.
    TimedOut,
    /// The compiler died.
    Died,
}

/// A compiler, and how it is used.
pub struct Compiler {
    /// `windows.exe`.
    pub program: PathBuf,
    /// Its DLL.
    pub library: PathBuf,
    pub profile: &'static str,
    pub limit: Duration,
    pub processes: usize,
}

/// A running `windows.exe`.
struct Process {
    child: Child,
    answers: mpsc::Receiver<String>,
}

impl Compiler {
    /// Compiles these files; the outcomes are in their order.
    pub fn compile(&self, files: &[PathBuf]) -> Vec<Outcome> {
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(vec![Outcome::Died; files.len()]);
        std::thread::scope(|scope| {
            for _ in 0..self.processes {
                scope.spawn(|| {
                    let mut process = None;
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)).map(PathBuf::as_path) {
                        let mut running = process.take().unwrap_or_else(|| self.start());
                        let outcome = self.ask(&mut running, file);
                        match outcome {
                            Outcome::TimedOut | Outcome::Died => running.end(),
                            _ => process = Some(running),
                        }
                        if std::env::var_os("VERBOSE").is_some() { println!("{} {outcome:?}", file.file_name().unwrap().to_str().unwrap()); }
                        let index = files.iter().position(|f| f == file).unwrap_or_default();
                        outcomes.lock().unwrap_or_else(PoisonError::into_inner)[index] = outcome;
                    }
                    if let Some(running) = process {
                        running.end();
                    }
                });
            }
        });
        outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Process {
        let mut child = Command::new("wine")
            .arg(&self.program)
            .arg(windows_path(&self.library))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("wine starts");
        let output = child.stdout.take().expect("its output is a pipe");
        let (send, answers) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Process { child, answers }
    }

    fn ask(&self, process: &mut Process, file: &Path) -> Outcome {
        let input = process.child.stdin.as_mut().expect("its input is a pipe");
        if writeln!(input, "{} {}", self.profile, windows_path(file)).is_err() {
            return Outcome::Died;
        }
        match process.answers.recv_timeout(self.limit) {
            Ok(line) => read(&line),
            Err(mpsc::RecvTimeoutError::Timeout) => Outcome::TimedOut,
            Err(mpsc::RecvTimeoutError::Disconnected) => Outcome::Died,
        }
    }
}

impl Process {
    fn end(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of `windows.exe`.
fn read(line: &str) -> Outcome {
    let fields: Vec<&str> = line.splitn(4, '\t').map(str::trim_end).collect();
    let &[status, ms, bytes, message] = fields.as_slice() else {
        return Outcome::Refused(format!("no answer of windows.exe: {line}"));
    };
    match (status, ms.parse(), bytes.parse()) {
        ("ok", Ok(ms), Ok(bytes)) => Outcome::Built { ms, bytes },
        _ => Outcome::Refused(message.to_owned()),
    }
}

/// The path as Wine shows it to Windows programs.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display())
}
