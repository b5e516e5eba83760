//! Measuring kernels, and files of what was measured.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use super::cli::{Folder, wgpool};
use super::counting;

const TUNE: &str = "--adapter software tune --case F2,P7 --budget 10m -o tuning.json";
const POOL: &str = "--adapter software op max-pool --window 2 in.npy -o out.npy --tuning tuning.json";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 4, 4], &counting(16));
    folder
}

#[test]
fn what_was_measured_is_kept_and_taken() {
    let folder = folder();
    let said = folder.succeeds(TUNE);
    assert!(said.contains("--tuning tuning.json takes them"), "{said}");
    folder.succeeds(POOL);
    // By hand, a kernel that the rules do not choose: it stays in the file, and is taken.
    let file = folder.0.join("tuning.json");
    let mut tuning: serde_json::Value =
        serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    let class =
        "pool Max f32 channels first None 1 channels window 1x2x2 stride 1x2x2 dilation 1x1x1 positions 2^2";
    tuning["fastest"][class] = serde_json::json!({ "kernel": "pool/global", "target_workgroups": 128 });
    let other = class.replace("2^2", "2^3");
    tuning["fastest"][other] = serde_json::json!({ "kernel": "pool/sliding", "target_workgroups": 128 });
    fs::write(&file, tuning.to_string()).expect("written");
    folder.succeeds(TUNE);
    let kept = fs::read_to_string(&file).expect("a file");
    assert!(kept.contains("pool/global") && kept.contains("pool/sliding"), "{kept}");
    // The first does not apply; the second computes as the rules' choice does.
    folder.succeeds(POOL);
    folder.array("in.npy", &[1, 1, 4, 8], &counting(32));
    let said = folder.succeeds(&format!("{POOL} --explain"));
    assert!(said.contains("the fastest when all were measured"), "{said}");
}

#[test]
fn a_file_that_is_damaged_or_foreign_is_ignored_with_one_line() {
    let folder = folder();
    folder.succeeds(TUNE);
    let good = fs::read_to_string(folder.0.join("tuning.json")).expect("a file");
    let damaged =
        [good[..good.len() / 2].to_owned(), String::new(), "[]".into(), good.replacen("0.1.0", "0.0.9", 1)];
    let foreign = [good.replacen("llvmpipe", "another", 1), good.replacen("conv/gemm ", "", 1)];
    for text in damaged.into_iter().chain(foreign) {
        assert_ne!(text, good);
        folder.file("tuning.json", text.as_bytes());
        is_ignored(&folder);
    }
    fs::remove_file(folder.0.join("tuning.json")).expect("removed");
    is_ignored(&folder);
}

fn is_ignored(folder: &Folder) {
    let output = folder.run(POOL);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("tuning.json is ignored: "), "{stderr}");
}

#[test]
fn whoever_is_killed_leaves_the_old_file() {
    let folder = folder();
    folder.file("tuning.json", b"the old file");
    for milliseconds in [0, 100, 400, 900] {
        let mut command = wgpool("--adapter software tune --budget 10m -o tuning.json");
        let mut child = command
            .current_dir(&folder.0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert_eq!(fs::read(folder.0.join("tuning.json")).expect("a file"), b"the old file");
    }
}

#[test]
fn what_cannot_be_tuned_is_said() {
    let folder = folder();
    folder.fails("--adapter host tune -o tuning.json", "adapters alone");
    folder.fails("tune --budget soon -o tuning.json", "--budget");
    folder.fails("tune --case P99 -o tuning.json", "P99");
    folder.fails("tune nothing.keras -o tuning.json", "nothing.keras");
    folder.fails("tune --batch 2 -o tuning.json", "<MODEL>");
    folder.fails("tune", "--out <FILE>");
}
