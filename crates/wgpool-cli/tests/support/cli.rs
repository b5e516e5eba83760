//! The program in a folder of its own, for tests of the command line.

#![allow(dead_code)] // each test file uses its part

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder of its own for each test, removed when the test ends.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wgpool-cli-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> &Folder {
        fs::write(self.0.join(name), bytes).expect("a file for the test");
        self
    }

    pub fn numbers(&self, name: &str, shape: &[usize], elements: &[i32]) -> &Folder {
        self.file(
            name,
            &npy_of("<i4", shape, &elements.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()),
        )
    }

    pub fn array(&self, name: &str, shape: &[usize], elements: &[f32]) -> &Folder {
        self.file(name, &npy(shape, elements))
    }

    pub fn run(&self, arguments: &str) -> Output {
        let mut command = wgpool(arguments);
        command.current_dir(&self.0).output().expect("the program runs")
    }

    /// Runs the program, which must succeed, and gives what it printed.
    pub fn succeeds(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {stderr}");
        assert_eq!(stderr, "", "{arguments}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs the program, which must fail as every failure does: status 2, one line, no file that was not there.
    pub fn fails(&self, arguments: &str, about: &str) {
        let before = self.names();
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{arguments}: {stderr}");
        assert!(stderr.starts_with("wgpool: ") && stderr.contains(about), "{arguments}: {stderr}");
        assert_eq!(self.names(), before, "{arguments}");
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the test's folder");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).expect("the file is there")
    }

    pub fn f32s(&self, name: &str) -> Vec<f32> {
        elements(&self.read(name))
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }

    pub fn i32s(&self, name: &str) -> Vec<i32> {
        elements(&self.read(name))
            .chunks_exact(4)
            .map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program with arguments that hold no space.
pub fn wgpool(arguments: &str) -> Command {
    let mut command = program();
    command.args(arguments.split_whitespace());
    command
}

/// The program, which reads and logs nothing.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgpool"));
    command.stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

/// A file of the model that comes with the crate.
pub fn mnist(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist").join(name).display().to_string()
}

/// A small NPY writer that shares nothing with the program's.
pub fn npy_of(descr: &str, shape: &[usize], elements: &[u8]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|d| format!("{d},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(elements);
    bytes
}

pub fn npy(shape: &[usize], elements: &[f32]) -> Vec<u8> {
    npy_of("<f4", shape, &elements.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
}

/// The elements behind the header of NPY version 1.
pub fn elements(npy: &[u8]) -> &[u8] {
    assert_eq!(&npy[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(npy[8]) + 256 * usize::from(npy[9]);
    assert_eq!((10 + length) % 64, 0, "NumPy aligns the elements");
    &npy[10 + length..]
}

pub fn header(npy: &[u8]) -> String {
    String::from_utf8_lossy(&npy[10..npy.len() - elements(npy).len()]).trim_end().to_owned()
}
