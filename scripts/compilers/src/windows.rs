//! Compilers of Windows, each file with a time limit: `windows.exe` runs under Wine in several processes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

/// What becomes of a file that takes so long.
const LIMIT: Duration = Duration::from_secs(30);

/// What became of a file.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was compiled in so many milliseconds of processor time.
    Built(f64),
    /// Why it was not.
    Failed(String),
}

/// A compiler.
pub struct Compiler {
    /// `windows.exe`.
    pub program: PathBuf,
    /// The compiler's DLL.
    pub library: PathBuf,
    /// Which shaders it makes.
    pub profile: &'static str,
}

impl Compiler {
    /// Compiles the files, several at a time; the outcomes are in their order.
    pub fn compile(&self, files: &[PathBuf]) -> Result<Vec<Outcome>, String> {
        let processes = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(vec![Outcome::Failed("it was not tried".to_owned()); files.len()]);
        let work = || -> Result<(), String> {
            let mut process = None;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(file) = files.get(number) else { return Ok(()) };
                let running = match process.take() {
                    Some(running) => running,
                    None => Process::start(self)?,
                };
                let (outcome, running) = running.compile(self.profile, file);
                process = running;
                outcomes.lock().unwrap_or_else(PoisonError::into_inner)[number] = outcome;
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..processes).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| "a thread panicked".to_owned())?)
        })?;
        Ok(outcomes.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A running `windows.exe`; it ends with its value.
struct Process {
    child: Child,
    answers: mpsc::Receiver<String>,
}

impl Process {
    fn start(compiler: &Compiler) -> Result<Process, String> {
        let mut child = Command::new("wine")
            .arg(&compiler.program)
            .arg(in_wine(&compiler.library))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("wine: {e}"))?;
        let output = child.stdout.take().ok_or("wine has no output")?;
        let (send, answers) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines();
            lines.map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        Ok(Process { child, answers })
    }

    /// What becomes of a file, and the process if it can go on.
    fn compile(mut self, profile: &str, file: &Path) -> (Outcome, Option<Process>) {
        let asked = match self.child.stdin.as_mut() {
            Some(input) => writeln!(input, "{profile} {}", in_wine(file)).is_ok(),
            None => false,
        };
        match self.answers.recv_timeout(if asked { LIMIT } else { Duration::ZERO }) {
            Ok(line) => (read(&line), Some(self)),
            Err(mpsc::RecvTimeoutError::Timeout) if asked => {
                (Outcome::Failed(format!("it takes more than {} s", LIMIT.as_secs())), None)
            }
            Err(_) => (Outcome::Failed("the compiler ended".to_owned()), None),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended by itself is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of `windows.exe`: status, milliseconds, bytes of code, message.
fn read(line: &str) -> Outcome {
    let mut fields = line.splitn(4, '\t');
    match (fields.next(), fields.next().map(str::parse), fields.next(), fields.next()) {
        (Some("ok"), Some(Ok(ms)), Some(_), Some(_)) => Outcome::Built(ms),
        (Some("error"), _, _, Some(message)) => Outcome::Failed(message.trim().to_owned()),
        _ => Outcome::Failed(format!("windows.exe says {line:?}")),
    }
}

/// The path as Wine shows it to Windows programs.
fn in_wine(path: &Path) -> String {
    format!("Z:{}", path.display())
}
