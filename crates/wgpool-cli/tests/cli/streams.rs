//! Standard streams, links, and files that are read and written at once or not finished.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::cli::{Folder, mnist, wgpool};
use crate::counting;

/// Runs the program with this on standard input.
fn piped(folder: &Folder, arguments: &str, stdin: &[u8]) -> Output {
    let mut command = wgpool(arguments);
    command.current_dir(&folder.0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(stdin).expect("written");
    child.wait_with_output().expect("the program ends")
}

#[test]
fn operations_in_a_pipe() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 4, 4], &counting(16));
    let first = piped(&folder, "op max-pool --window 2 - -o - --adapter host", &folder.read("in.npy"));
    let said = String::from_utf8_lossy(&first.stderr);
    assert!(first.status.success() && said.contains("max pooling: f32 [1, 1, 4, 4]"), "{said}");
    folder.succeeds("op max-pool --window 2 in.npy -o out.npy --adapter host");
    assert_eq!(first.stdout, folder.read("out.npy"));
    let second = piped(&folder, "op avg-pool --window 2 - --adapter host", &first.stdout);
    assert!(String::from_utf8_lossy(&second.stdout).ends_with("\n[[[[10]]]]\n"), "{second:?}");
    // Positions go there as well as values do, but not both.
    let positions = folder.run("op max-pool --window 2 in.npy -o out.npy --indices - --adapter host");
    assert_eq!(positions.stdout.len(), 128 + 4 * 4, "{positions:?}");
    folder.fails("op max-pool --window 2 in.npy -o - --indices - --adapter host", "two outputs");
    let twice = piped(&folder, "op conv --kernel - - -o out.npy --adapter host", &folder.read("in.npy"));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("read once"), "{twice:?}");
    folder.fails("op max-pool --window 2 - -o out.npy --adapter host", "neither NPY");
    assert!(!folder.names().contains(&"-".to_owned()));
}

#[test]
fn predictions_in_a_pipe() {
    let folder = Folder::new();
    let model = format!("{} --weights {}", mnist("config.json"), mnist("weights.safetensors"));
    folder.array("in.npy", &[28, 28, 1], &[0.5; 784]);
    let output = piped(&folder, &format!("predict {model} - --out - --adapter host"), &folder.read("in.npy"));
    assert_eq!(output.stdout.len(), 128 + 4 * 10, "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("-  "), "{output:?}");
    let output = folder.run(&format!("predict {model} in.npy --out - --json --adapter host"));
    assert_eq!(output.stdout.len(), 128 + 4 * 10);
    assert!(serde_json::from_slice::<serde_json::Value>(&output.stderr).is_ok(), "{output:?}");
}

#[cfg(unix)]
#[test]
fn a_link_s_own_name_tells_the_format() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 2, 2], &counting(4)).file("data.bin", b"old");
    std::os::unix::fs::symlink("data.bin", folder.0.join("out.safetensors")).expect("a link");
    std::os::unix::fs::symlink("in.npy", folder.0.join("in.bin")).expect("a link");
    folder.succeeds("op max-pool --window 2 in.bin -o out.safetensors --adapter host");
    assert!(safetensors::SafeTensors::deserialize(&folder.read("data.bin")).is_ok());
    std::os::unix::fs::symlink("data.bin", folder.0.join("out.npy")).expect("a link");
    folder.succeeds("op max-pool --window 2 in.npy -o out.npy --adapter host");
    assert_eq!(&folder.read("data.bin")[..6], b"\x93NUMPY");
    assert!(folder.0.join("out.npy").symlink_metadata().expect("a link").is_symlink());
}

#[test]
fn what_is_read_is_not_replaced() {
    let folder = Folder::new();
    let model = format!("{} --weights w.safetensors", mnist("config.json"));
    std::fs::copy(mnist("weights.safetensors"), folder.0.join("w.safetensors")).expect("a copy");
    folder.array("in.npy", &[28, 28, 1], &[0.5; 784]);
    let before = folder.read("in.npy");
    folder.fails(&format!("predict {model} in.npy --out ./in.npy --adapter host"), "would be replaced");
    folder.fails(&format!("predict {model} in.npy --out w.safetensors --adapter host"), "would be replaced");
    assert_eq!(folder.read("in.npy"), before);
    folder.fails("tune w.safetensors -o w.safetensors", "would be replaced");
}

/// Nothing is on the disk of what is not computed yet, however the program ends.
#[test]
fn who_is_interrupted_leaves_nothing() {
    let folder = Folder::new();
    folder.file("t.json", b"old");
    let bench = "bench --case C8 --adapter host --json b.json --plot b.svg";
    for arguments in [bench, "tune --adapter software --budget 10m -o t.json"] {
        let mut command = wgpool(arguments);
        command.current_dir(&folder.0).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it runs");
        std::thread::sleep(std::time::Duration::from_millis(400));
        assert_eq!(child.try_wait().expect("a state"), None, "{arguments} has ended too soon");
        assert_eq!((folder.names(), folder.read("t.json")), (vec!["t.json".to_owned()], b"old".to_vec()));
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert_eq!((folder.names(), folder.read("t.json")), (vec!["t.json".to_owned()], b"old".to_vec()));
    }
}

/// What is being written when a signal comes is removed.
#[cfg(target_os = "linux")]
#[test]
fn who_is_interrupted_while_writing_removes_it() {
    let folder = Folder::new();
    // A tensor of 64 MiB of zeros.
    let large = std::fs::File::create(folder.0.join("in.npy")).expect("a file");
    (&large).write_all(&crate::cli::npy(&[1, 1, 4096, 4096], &[])).expect("written");
    let header = large.metadata().expect("a length").len();
    large.set_len(header + (64 << 20)).expect("a sparse file");
    for signal in ["INT", "TERM"] {
        // The program may be faster than the signal.
        assert!((0..50).any(|_| is_interrupted(&folder, signal)), "it always ended before SIG{signal}");
    }
}

/// Whether a signal comes while the output is written, of which nothing is left then.
#[cfg(target_os = "linux")]
fn is_interrupted(folder: &Folder, signal: &str) -> bool {
    // Not the empty one that is made and removed at once to find out whether there can be one.
    let is_written = || {
        let mut files = std::fs::read_dir(&folder.0).expect("the folder").flatten();
        files.any(|file| {
            file.file_name().to_string_lossy().ends_with(".part")
                && file.metadata().is_ok_and(|m| m.len() > 0)
        })
    };
    // Whoever runs the tests may have them ignore signals.
    let mut command = std::process::Command::new("env");
    command.args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_wgpool")]);
    command.args("op activation relu in.npy -o out.npy --adapter host".split(' '));
    let mut child = command.current_dir(&folder.0).stdout(Stdio::null()).spawn().expect("it runs");
    while child.try_wait().expect("a state").is_none() && !is_written() {
        std::thread::yield_now();
    }
    let mut kill = std::process::Command::new("kill");
    kill.args([&format!("-{signal}"), &child.id().to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("it runs");
    let status = child.wait().expect("ended").code();
    // The signal may come when the output is whole and has its name, or when the program has ended.
    if status == Some(0) || folder.names().iter().any(|name| name == "out.npy") {
        assert!(matches!(status, Some(0 | 130)), "SIG{signal}: {status:?}");
        assert_eq!(folder.names(), ["in.npy", "out.npy"]);
        assert_eq!(crate::cli::elements(&folder.read("out.npy")).len(), 64 << 20, "SIG{signal}");
        std::fs::remove_file(folder.0.join("out.npy")).expect("removed");
        return false;
    }
    assert_eq!((status, folder.names()), (Some(130), vec!["in.npy".to_owned()]), "SIG{signal}");
    true
}
