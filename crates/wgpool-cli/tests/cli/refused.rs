//! Files and operations that are refused.

use std::fs;

use crate::cli::{Folder, npy, npy_of};
use crate::counting;

#[test]
fn wrong_files_are_refused() {
    let folder = Folder::new();
    let array = npy(&[1, 1, 4, 4], &counting(16));
    folder.file("in.npy", &array).file("short.npy", &array[..array.len() - 1]).file("head.npy", &array[..20]);
    folder
        .file("huge.npy", &npy_of("<f4", &[1 << 40, 1 << 40], &[]))
        .file("c8.npy", &npy_of("<c8", &[0], &[]));
    folder.file("vast.npy", &npy_of("<f4", &[1, 1, 1 << 20, 1 << 20], &[])).file("empty.npy", b"");
    folder.file("garbage.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{}").file("in.txt", b"1 2 3");
    fs::create_dir(folder.0.join("folder.npy")).expect("a folder");
    let op = "op max-pool --window 2 -o out.npy --adapter host";
    folder.fails(&format!("{op} missing.npy"), "missing.npy");
    folder.fails(&format!("{op} short.npy"), "63 bytes");
    folder.fails(&format!("{op} head.npy"), "header");
    folder.fails(&format!("{op} empty.npy"), "not an NPY file");
    folder.fails(&format!("{op} huge.npy"), "huge.npy");
    folder.fails(&format!("{op} vast.npy"), "vast.npy");
    folder.fails(&format!("{op} c8.npy"), "<c8");
    folder.fails(&format!("{op} garbage.safetensors"), "safetensors");
    folder.fails(&format!("{op} in.txt"), "neither NPY");
    folder.fails(&format!("{op} folder.npy"), "folder.npy");
    folder.fails("op max-pool --window 2 in.npy -o nowhere/out.npy --adapter host", "nowhere/out.npy");
    folder.fails("op max-pool --window 2 in.npy -o folder.npy --adapter host", "folder.npy");
    folder.fails("op max-pool --window 2 in.npy -o out.txt --adapter host", "out.txt");
    folder.fails("op max-pool --window 2 in.npy -o out.npy --indices no/at.npy --adapter host", "no/at.npy");
}

#[test]
fn wrong_operations_are_refused() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 2, 4, 4], &counting(32)).array("flat.npy", &[4], &counting(4));
    folder.array("k.npy", &[3, 1, 2, 2], &counting(12));
    let rest = "-o out.npy --adapter host";
    folder.fails(&format!("op max-pool --window 2 flat.npy {rest}"), "rank 1");
    folder.fails(&format!("op max-pool --window 9 in.npy {rest}"), "window spans 9");
    folder.fails(&format!("op max-pool --window 2 --stride 0 in.npy {rest}"), "stride");
    folder.fails(&format!("op conv --kernel k.npy --groups 2 in.npy {rest}"), "groups");
    folder.fails(&format!("op conv --kernel k.npy --groups 0 in.npy {rest}"), "groups");
    folder.fails(&format!("op softmax --axis 4 in.npy {rest}"), "axis");
    folder.fails(&format!("op avg-pool --divisor 0 --window 2 in.npy {rest}"), "divisor");
    folder.fails(&format!("op lp-pool --p 0.5 --window 2 in.npy {rest}"), "p is 0.5");
}

#[test]
fn wrong_second_inputs_are_refused() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 2, 2], &counting(4)).array("flat.npy", &[4], &counting(4));
    folder.numbers("at.npy", &[1, 1, 2, 2], &[0, 1, 2, 16]).numbers("few.npy", &[1, 1, 2], &[0, 1]);
    folder.array("u.npy", &[1, 1, 2], &[0.5, 1.0]).array("u1.npy", &[1, 1, 1], &[0.5]);
    folder.array("boxes.npy", &[1, 4], &[0.0, 0.0, 1.0, f32::NAN]).numbers("images.npy", &[1], &[1]);
    folder.array("rois.npy", &[1, 5], &[-1.0, 0.0, 0.0, 1.0, 1.0]).array("fine.npy", &[1, 4], &[0.0; 4]);
    folder.array("k.npy", &[1, 1, 2, 2], &counting(4));
    folder.array("half.npy", &[1, 1, 2, 2], &[0.5; 4]);
    folder.file("large.npy", &npy_of("<u8", &[1], &[0xff; 8]));
    let at = |adapter: &str| format!("in.npy -o out.npy --adapter {adapter}");
    for rest in [at("host"), at("software")] {
        folder.fails(&format!("op max-unpool --indices at.npy --window 2 {rest}"), "indices[3] is 16");
        folder.fails(
            &format!("op fractional-max-pool --samples u.npy --window 1 --output-size 2 {rest}"),
            "below 1",
        );
        let align = "op roi-align --output-size 2";
        folder.fails(&format!("{align} --regions fine.npy --images images.npy {rest}"), "1 images");
        folder
            .fails(&format!("op max-roi-pool --regions rois.npy --output-size 2 {rest}"), "regions[0] is -1");
    }
    let rest = at("host");
    folder.fails(&format!("op max-unpool --indices few.npy --window 2 {rest}"), "[1, 1, 2]");
    folder.fails(&format!("op max-unpool --indices half.npy --window 2 {rest}"), "i32 does not have");
    folder.fails(&format!("op max-unpool --indices at.npy {rest}"), "--output-size");
    for size in ["2", "6x4", "100x100"] {
        let unpool = format!("op max-unpool --indices at.npy --output-size {size} --window 2 {rest}");
        folder.fails(&unpool, "less than the stride 2 from 4");
    }
    folder.fails(&format!("op max-unpool --indices at.npy --output-size 4 --stride 2 {rest}"), "--window");
    folder.fails(&format!("op max-unpool --indices at.npy --window 2 --padding 3 {rest}"), "positive");
    folder.fails(&format!("op max-unpool --indices at.npy --output-size 0 {rest}"), "output");
    folder.fails("op max-unpool --indices flat.npy --window 2 flat.npy -o out.npy --adapter host", "rank 1");
    folder.fails(
        &format!("op fractional-max-pool --samples u1.npy --window 1 --output-size 2 {rest}"),
        "[1, 1, 2]",
    );
    folder.fails(
        &format!("op fractional-max-pool --samples u.npy --window 2 --output-size 2 {rest}"),
        "window",
    );
    folder.fails(
        &format!("op fractional-max-pool --samples none.npy --window 2 --output-size 1 {rest}"),
        "none.npy",
    );
    folder.fails(&format!("op adaptive-max-pool --output-size 0 {rest}"), "output size");
    folder.fails(&format!("op adaptive-avg-pool --output-size 1x1x1 {rest}"), "output");
    folder
        .fails(&format!("op roi-align --regions boxes.npy --images large.npy --output-size 2 {rest}"), "i32");
    folder.fails(
        &format!("op roi-align --regions boxes.npy --images fine.npy --output-size 2 {rest}"),
        "[1, 4]",
    );
    folder.fails(&format!("op max-roi-pool --regions boxes.npy --output-size 2 {rest}"), "[regions, 5]");
    folder.fails(&format!("op max-roi-pool --regions rois.npy --output-size 1x2x3 {rest}"), "7x7");
    folder.fails(
        &format!("op max-roi-pool --regions rois.npy --output-size 2 --spatial-scale 0 {rest}"),
        "scale",
    );
    folder.fails(&format!("op conv-transpose --kernel k.npy --groups 2 {rest}"), "groups");
    folder.fails(&format!("op conv-transpose --kernel k.npy --output-padding 1 {rest}"), "output_padding");
    folder.fails(&format!("op conv-transpose --kernel k.npy --output-size 4 --padding 1 {rest}"), "padding");
    for size in ["6x5", "5x6", "100x100"] {
        let reach = format!("op conv-transpose --kernel k.npy --stride 2 --output-size {size} {rest}");
        folder.fails(&reach, "at most 5: without padding 2 elements reach 4");
    }
    let beyond = "op conv-transpose --kernel k.npy --stride 2 --output-padding 2 --output-size 4";
    folder.fails(&format!("{beyond} {rest}"), "output_padding is 2");
    folder.fails(&format!("op conv-pool --kernel k.npy --pool max --pool-window 2 {rest}"), "window spans 2");
    folder.fails(
        &format!("op conv-pool --kernel k.npy --pool max --pool-divisor 2 --pool-window 1 {rest}"),
        "avg",
    );
    folder.fails(&format!("op conv-pool --kernel k.npy --pool lp --pool-window 1 {rest}"), "max, avg");
    folder.fails(&format!("op global-lp-pool --p 0 {rest}"), "p is 0");
}

#[test]
fn a_result_replaces_the_old_file_or_leaves_it_alone() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 2, 2], &counting(4)).file("out.npy", b"old");
    folder.fails("op max-pool --window 3 in.npy -o out.npy --adapter host", "window");
    assert_eq!(folder.read("out.npy"), b"old");
    folder.succeeds("op max-pool --window 2 in.npy -o out.npy --adapter host");
    assert_eq!(folder.f32s("out.npy"), [3.0]);
    assert_eq!(folder.names(), ["in.npy", "out.npy"]);
}

#[test]
fn two_outputs_of_one_name_are_refused() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 2, 2], &counting(4));
    let here = folder.0.join("s.npy").display().to_string();
    for (first, second) in [("s.npy", "s.npy"), ("./s.npy", "s.npy"), ("s.npy", here.as_str())] {
        let op = format!("op max-pool --window 2 in.npy -o {first} --indices {second} --adapter host");
        folder.fails(&op, "needs");
        let said = String::from_utf8_lossy(&folder.run(&op).stderr).into_owned();
        assert!(said.contains("output") && !said.contains("exists"), "{said}");
    }
    folder.fails("bench --quick --case P7 --json b.svg --plot ./b.svg --adapter host", "needs its own");
    // The same through a link to a file that is there.
    #[cfg(unix)]
    {
        folder.file("s.npy", b"old");
        std::os::unix::fs::symlink("s.npy", folder.0.join("t.npy")).expect("a link");
        folder
            .fails("op max-pool --window 2 in.npy -o s.npy --indices t.npy --adapter host", "needs its own");
        assert_eq!(folder.read("s.npy"), b"old");
    }
}

#[test]
fn an_output_may_replace_an_input() {
    let folder = Folder::new();
    folder.array("x.npy", &[1, 1, 2, 2], &counting(4));
    folder.succeeds("op activation relu x.npy -o ./x.npy --adapter host");
    folder.succeeds("op max-pool --window 2 x.npy -o x.npy --indices at.npy --adapter host");
    assert_eq!((folder.f32s("x.npy"), folder.i32s("at.npy")), (vec![3.0], vec![3]));
    assert_eq!(folder.names(), ["at.npy", "x.npy"]);
}

#[test]
fn a_corpus_of_which_nothing_is_checked_is_a_failure() {
    let folder = Folder::new();
    fs::create_dir(folder.0.join("corpus")).expect("a folder");
    folder.file("corpus/manifest.json", br#"{"cases": []}"#);
    folder.fails("verify corpus --adapter host", "corpus: nothing was checked: it has no cases");
    folder.fails("verify corpus --adapter host --json", "nothing was checked");
    let case = |name: &str, op: &str| {
        format!(
            r#"{{"name": "{name}", "op": "{op}", "opset": 20, "exact": true, "inputs": [], "outputs": [],
            "nodes": [{{"op": "{op}", "inputs": ["x"], "outputs": ["y"]}}]}}"#
        )
    };
    let corpus = |cases: &[String]| format!(r#"{{"cases": [{}]}}"#, cases.join(", "));
    folder.file("corpus/manifest.json", corpus(&[case("a", "Sin"), case("b", "Cos")]).as_bytes());
    folder
        .fails("verify corpus --adapter host", "nothing was checked: none of its 2 cases is supported here");
    // What there is to say of the cases is printed all the same.
    let output = folder.run("verify corpus --adapter host");
    assert!(String::from_utf8_lossy(&output.stdout).contains("unsupported Sin"), "{output:?}");
    // One case that is checked and fails is a failure of that case.
    folder.file("corpus/manifest.json", corpus(&[case("a", "Sin"), case("b", "MaxPool")]).as_bytes());
    assert_eq!(folder.run("verify corpus --adapter host").status.code(), Some(1));
    folder.fails("verify --count 0 --adapter host", "at least 1");
}
