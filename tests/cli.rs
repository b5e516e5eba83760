//! The command line, as a person or a script meets it.
#![cfg(feature = "cli")]

#[path = "support/cli.rs"]
mod cli;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use cli::{Folder, elements, header, npy, npy_of, wgpool};

fn counting(n: usize) -> Vec<f32> {
    (0..n).map(|v| v as f32).collect()
}

/// Where operations are tried: both paths without a GPU, and the GPU path on whatever software adapter there is.
const ADAPTERS: [&str; 3] = ["host", "reference", "software"];

fn mnist(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist").join(name).display().to_string()
}

#[test]
fn pooling_and_its_positions() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 4, 4], &counting(16));
    for adapter in ADAPTERS {
        let said = folder.succeeds(&format!(
            "op max-pool --window 2x2 --stride 2 in.npy -o out.npy --indices at.npy --adapter {adapter}"
        ));
        assert!(said.contains("[1, 1, 4, 4]") && said.contains("[1, 1, 2, 2]"), "{said}");
        assert_eq!(folder.f32s("out.npy"), [5.0, 7.0, 13.0, 15.0]);
        assert_eq!(
            header(&folder.read("out.npy")),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 2)}"
        );
        assert_eq!(folder.i32s("at.npy"), [5, 7, 13, 15]);
        folder.succeeds(&format!(
            "op max-pool --window 2 in.npy -o out.npy --indices at.npy --index-numbering whole-column --adapter {adapter}"
        ));
        assert_eq!(folder.i32s("at.npy"), [5, 13, 7, 15]);
        folder.succeeds(&format!(
            "op avg-pool --window 3 --stride 2 --padding 1 --count-include-pad in.npy -o out.npy --adapter {adapter}"
        ));
        let ninths: Vec<f32> = folder.f32s("out.npy").iter().map(|v| (v * 9.0).round()).collect();
        assert_eq!(ninths, [10.0, 24.0, 51.0, 90.0], "{adapter}");
        folder.succeeds(&format!("op lp-pool --p 1 --window 1x4 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [6.0, 22.0, 38.0, 54.0]);
        folder.succeeds(&format!("op global-max-pool in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [15.0]);
        folder.succeeds(&format!("op global-avg-pool --layout nhwc in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [6.0, 7.0, 8.0, 9.0]);
    }
}

#[test]
fn convolution_dense_softmax_and_activation() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 3, 3], &counting(9)).array("k.npy", &[1, 1, 2, 2], &[1., 0., 0., 1.]);
    folder.array("b.npy", &[1], &[-10.0]).array("v.npy", &[1, 2], &[1.0, 2.0]);
    folder.array("w.npy", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op conv --kernel k.npy --bias b.npy --activation relu in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [0.0, 0.0, 0.0, 2.0]);
        folder.succeeds(&format!(
            "op conv --kernel k.npy --padding 0x0:1x1 in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [4.0, 6.0, 2.0, 10.0, 12.0, 5.0, 6.0, 7.0, 8.0]);
        folder.succeeds(&format!("op dense --kernel w.npy v.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [7.0, 10.0]);
        folder.succeeds(&format!(
            "op dense --kernel w.npy --kernel-layout out-in v.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [5.0, 11.0]);
        folder.succeeds(&format!("op softmax --axis 0 v.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [1.0, 1.0]);
        folder.succeeds(&format!("op activation relu6 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 6.0]);
    }
}

#[test]
fn lp_pooling_of_both_kinds() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 2, 2], &[-3.0, 1.0, 1.0, 4.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!("op lp-pool -p 1 --window 2 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [9.0]);
        folder.succeeds(&format!("op lp-pool -p 1 --torch --window 2 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [3.0]);
        folder.succeeds(&format!("op global-lp-pool --p 1 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [9.0]);
        folder.succeeds(&format!("op global-lp-pool --p 1 --torch in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [3.0]);
    }
}

#[test]
fn adaptive_and_fractional_pooling_and_back() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 5, 4], &counting(20)).array("u.npy", &[1, 1, 2], &[0.0, 0.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op adaptive-max-pool --output-size 2x3 in.npy -o out.npy --indices at.npy --adapter {adapter}"
        ));
        // Rows 0..3 and 2..5; columns 0..2, 1..3 and 2..4.
        assert_eq!(folder.f32s("out.npy"), [9.0, 10.0, 11.0, 17.0, 18.0, 19.0]);
        assert_eq!(folder.i32s("at.npy"), [9, 10, 11, 17, 18, 19]);
        folder.succeeds(&format!(
            "op max-unpool --indices at.npy --output-size 5x4 out.npy -o back.npy --adapter {adapter}"
        ));
        let kept = |v: usize| if [9, 10, 11, 17, 18, 19].contains(&v) { v as f32 } else { 0.0 };
        assert_eq!(folder.f32s("back.npy"), (0..20).map(kept).collect::<Vec<f32>>());
        folder
            .succeeds(&format!("op adaptive-avg-pool --output-size 1 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [9.5]);
        folder.succeeds(&format!(
            "op fractional-max-pool --samples u.npy --window 2 --output-size 2 in.npy -o out.npy \
             --indices at.npy --adapter {adapter}"
        ));
        // Windows start at 0 and at the last place, 3 of rows and 2 of columns.
        assert_eq!(folder.f32s("out.npy"), [5.0, 7.0, 17.0, 19.0]);
        assert_eq!(folder.i32s("at.npy"), [5, 7, 17, 19]);
    }
}

#[test]
fn unpooling_finds_its_size_and_counts_as_pooling_did() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 2, 4, 4], &counting(32)).array("last.npy", &[1, 4, 4, 2], &counting(32));
    for adapter in ADAPTERS {
        for numbering in ["plane", "whole", "whole-column"] {
            folder.succeeds(&format!(
                "op max-pool --window 2 in.npy -o small.npy --indices at.npy --index-numbering {numbering} \
                 --adapter {adapter}"
            ));
            folder.succeeds(&format!(
                "op max-unpool --indices at.npy --index-numbering {numbering} --window 2 small.npy -o back.npy \
                 --adapter {adapter}"
            ));
            let back = folder.f32s("back.npy");
            let kept = |v: usize| if v % 2 == 1 && v / 4 % 2 == 1 { v as f32 } else { 0.0 };
            assert_eq!(back, (0..32).map(kept).collect::<Vec<f32>>(), "{numbering} {adapter}");
        }
        folder.succeeds(&format!(
            "op max-pool --layout nhwc --window 3 --stride 1 last.npy -o small.npy --indices at.npy --adapter {adapter}"
        ));
        folder.succeeds(&format!(
            "op max-unpool --layout nhwc --indices at.npy --window 3 --stride 1 small.npy -o back.npy --adapter {adapter}"
        ));
        let back = folder.f32s("back.npy");
        assert_eq!(back.len(), 32);
        assert!(back[..20].iter().all(|&v| v == 0.0) && back[31] == 31.0, "{back:?}");
    }
}

#[test]
fn regions() {
    let folder = Folder::new();
    folder.array("in.npy", &[2, 1, 4, 4], &counting(32)).numbers("images.npy", &[2], &[1, 0]);
    folder.array("boxes.npy", &[2, 4], &[0.0, 0.0, 4.0, 4.0, 0.0, 0.0, 2.0, 2.0]);
    folder.array("rois.npy", &[2, 5], &[1.0, 0.0, 0.0, 3.0, 3.0, 0.0, 0.0, 0.0, 2.0, 2.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op roi-align --regions boxes.npy --images images.npy --output-size 2 --sampling-ratio 2 --half-pixel \
             in.npy -o out.npy --adapter {adapter}"
        ));
        // Means of the pixels of each quarter; the second region reaches half a pixel out, where the edge counts on.
        assert_eq!(folder.f32s("out.npy"), [18.5, 20.5, 26.5, 28.5, 0.625, 1.5, 4.125, 5.0], "{adapter}");
        folder.succeeds(&format!(
            "op max-roi-pool --regions rois.npy --output-size 2x1 in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [23.0, 31.0, 6.0, 10.0], "{adapter}");
        folder.succeeds(&format!(
            "op roi-align --mode max --spatial-scale 0.5 --regions boxes.npy --images images.npy --output-size 1x2 \
             in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy").len(), 4);
    }
}

#[test]
fn transposed_convolution_and_convolution_with_pooling() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]).array(
        "k.npy",
        &[1, 1, 2, 2],
        &[1., 0., 0., 1.],
    );
    folder.array("big.npy", &[1, 1, 4, 4], &counting(16)).array("b.npy", &[1], &[1.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op conv-transpose --kernel k.npy --bias b.npy in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [2.0, 3.0, 1.0, 4.0, 6.0, 3.0, 1.0, 4.0, 5.0]);
        folder.succeeds(&format!(
            "op conv-transpose --kernel k.npy --stride 2 --padding 1 --output-padding 1x0 in.npy -o out.npy \
             --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [1.0, 0.0, 0.0, 4.0, 3.0, 0.0]);
        folder.succeeds(&format!(
            "op conv-transpose --kernel k.npy --stride 2 --output-size 3 --padding same in.npy -o out.npy \
             --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 3.0, 0.0, 4.0]);
        folder.succeeds(&format!(
            "op conv-pool --kernel k.npy --activation relu --pool max --pool-window 2 --pool-stride 1 big.npy \
             -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [15.0, 17.0, 23.0, 25.0]);
        folder.succeeds(&format!(
            "op conv-pool --kernel k.npy --pool avg --pool-window 2 --pool-padding 1 --pool-divisor 1 big.npy \
             -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [5.0, 16.0, 34.0, 80.0], "{adapter}");
    }
}

#[test]
fn bytes_stay_bytes_and_safetensors_work_too() {
    let folder = Folder::new();
    folder.file("in.npy", &npy_of("|u1", &[1, 1, 2, 2], &[1, 200, 3, 4]));
    folder.succeeds("op max-pool --window 2 in.npy -o out.npy --adapter host");
    assert_eq!(elements(&folder.read("out.npy")), [200]);
    folder.succeeds("op max-pool --window 2 in.npy -o out.safetensors --adapter host");
    folder.succeeds("op max-pool --window 1 out.safetensors -o again.npy --adapter host");
    assert_eq!(elements(&folder.read("again.npy")), [200]);
}

#[test]
fn wrong_files_are_refused() {
    let folder = Folder::new();
    let array = npy(&[1, 1, 4, 4], &counting(16));
    folder.file("in.npy", &array).file("short.npy", &array[..array.len() - 1]).file("head.npy", &array[..20]);
    folder
        .file("huge.npy", &npy_of("<f4", &[1 << 40, 1 << 40], &[]))
        .file("f64.npy", &npy_of("<f8", &[0], &[]));
    folder.file("vast.npy", &npy_of("<f4", &[1, 1, 1 << 20, 1 << 20], &[])).file("empty.npy", b"");
    folder.file("garbage.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{}").file("in.txt", &array);
    fs::create_dir(folder.0.join("folder.npy")).expect("a folder");
    let op = "op max-pool --window 2 -o out.npy --adapter host";
    folder.fails(&format!("{op} missing.npy"), "missing.npy");
    folder.fails(&format!("{op} short.npy"), "63 bytes");
    folder.fails(&format!("{op} head.npy"), "header");
    folder.fails(&format!("{op} empty.npy"), "not an NPY file");
    folder.fails(&format!("{op} huge.npy"), "huge.npy");
    folder.fails(&format!("{op} vast.npy"), "vast.npy");
    folder.fails(&format!("{op} f64.npy"), "<f8");
    folder.fails(&format!("{op} garbage.safetensors"), "safetensors");
    folder.fails(&format!("{op} in.txt"), ".npy");
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
    folder.file("i8.npy", &npy_of("<i8", &[1], &[0; 8]));
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
    folder.fails(&format!("op max-unpool --indices in.npy --window 2 {rest}"), "i32");
    folder.fails(&format!("op max-unpool --indices at.npy {rest}"), "--output-size");
    folder.fails(&format!("op max-unpool --indices at.npy --output-size 4 --window 2 {rest}"), "--window");
    folder.fails(&format!("op max-unpool --indices at.npy --output-size 4 --stride 2 {rest}"), "--stride");
    folder.fails(&format!("op max-unpool --indices at.npy --window 2 --padding 3 {rest}"), "positive");
    folder.fails(&format!("op max-unpool --indices at.npy --output-size 0 {rest}"), "output");
    folder.fails("op max-unpool --indices flat.npy --window 2 flat.npy -o out.npy --adapter host", "i32");
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
    folder.fails(&format!("op roi-align --regions boxes.npy --images i8.npy --output-size 2 {rest}"), "<i4");
    folder
        .fails(&format!("op roi-align --regions boxes.npy --images fine.npy --output-size 2 {rest}"), "i32");
    folder.fails(&format!("op max-roi-pool --regions boxes.npy --output-size 2 {rest}"), "[regions, 5]");
    folder.fails(&format!("op max-roi-pool --regions rois.npy --output-size 1x2x3 {rest}"), "7x7");
    folder.fails(
        &format!("op max-roi-pool --regions rois.npy --output-size 2 --spatial-scale 0 {rest}"),
        "scale",
    );
    folder.fails(&format!("op conv-transpose --kernel k.npy --groups 2 {rest}"), "groups");
    folder.fails(&format!("op conv-transpose --kernel k.npy --output-padding 1 {rest}"), "output_padding");
    folder.fails(&format!("op conv-transpose --kernel k.npy --output-size 4 --padding 1 {rest}"), "padding");
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
fn wrong_arguments_are_one_line() {
    let folder = Folder::new();
    folder.fails("--adaptor host", "'--adapter'");
    folder.fails("op", "wgpool op --help");
    folder.fails("op max-poll", "'max-pool'");
    folder.fails("op max-pool in.npy", "--window <SIZE>");
    folder.fails("op max-pool --window 2,2 in.npy -o out.npy", "2x2");
    folder.fails("op conv --kernel k.npy --padding some in.npy -o out.npy", "same-upper");
    folder.fails("op conv --kernel k.npy --activation softmax in.npy -o out.npy", "relu6");
    folder.fails("predict model.keras", "<INPUT>");
    folder.fails("predict model.keras in.npy --batch 0", "at least 1");
    folder.fails("--out pictures adapters", "--out");
    folder.fails("op softmax in.npy -o out.npy --adapter", "--adapter");
}

#[test]
fn an_adapter_that_is_not_there_is_named() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 2], &counting(2));
    folder.fails("op softmax in.npy -o out.npy --adapter no-such-adapter", "no-such-adapter");
}

#[test]
fn every_help_text_has_what_a_person_needs() {
    let folder = Folder::new();
    let help = folder.succeeds("--help");
    for word in ["Examples:", "--adapter", "--out", "adapters", "summary", "predict", "op"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(folder.succeeds("op --help").contains("Examples:"));
    assert!(folder.succeeds("predict --help").contains("Examples:"));
    let conv = folder.succeeds("op conv --help");
    for flag in ["--kernel", "--bias", "--stride", "--dilation", "--padding", "--groups", "--activation"] {
        assert!(conv.contains(flag), "{flag}");
    }
    let operations = "max-pool avg-pool lp-pool global-max-pool global-avg-pool global-lp-pool adaptive-max-pool \
                      adaptive-avg-pool fractional-max-pool max-unpool roi-align max-roi-pool conv \
                      conv-transpose conv-pool dense softmax activation";
    let list = folder.succeeds("op --help");
    for operation in operations.split_whitespace() {
        let help = folder.succeeds(&format!("op {operation} --help"));
        let example = format!("wgpool op {operation} ");
        assert!(help.contains("--output <FILE>") && help.contains(&example), "{operation}: {help}");
        assert!(list.contains(&format!("  {operation} ")), "{operation}: {list}");
    }
    assert_eq!(folder.succeeds("--version"), format!("wgpool {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn adapters_are_listed_for_people_and_programs() {
    let folder = Folder::new();
    assert!(folder.succeeds("adapters").contains("auto takes"));
    let json: serde_json::Value = serde_json::from_str(&folder.succeeds("adapters --json")).expect("JSON");
    assert!(json["adapters"].is_array() && json["auto"].is_string(), "{json}");
}

#[test]
fn a_summary_of_a_configuration_and_of_an_archive() {
    let folder = Folder::new();
    let summary = folder.succeeds(&format!("summary {}", mnist("config.json")));
    assert!(summary.contains("conv1") && summary.contains("12,810"), "{summary}");
    let archive =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keras/c_conv3_pool3_224/model.keras");
    let summary = folder.succeeds(&format!("summary {}", archive.display()));
    assert!(summary.contains("MaxPooling2D"), "{summary}");
}

#[test]
fn digits_are_classified() {
    let folder = Folder::new();
    let (config, weights) = (mnist("config.json"), mnist("weights.safetensors"));
    let all = fs::read(mnist("test_digits.safetensors")).expect("the digits");
    let digits = safetensors::SafeTensors::deserialize(&all).expect("safetensors");
    let images = digits.tensor("images").expect("images");
    let keras = digits.tensor("probabilities").expect("probabilities");
    let keras: Vec<f32> =
        keras.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    folder.file("digits.npy", &npy_of("|u1", &[70, 28, 28], &images.data()[..70 * 784]));
    let said = folder.succeeds(&format!(
        "predict {config} --weights {weights} digits.npy --out probabilities.npy --batch 32 --adapter host"
    ));
    assert_eq!(said.lines().count(), 70);
    let probabilities = folder.f32s("probabilities.npy");
    assert_eq!(probabilities.len(), 700);
    for (line, keras) in said.lines().zip(keras.chunks(10)) {
        let class: usize = line.split_whitespace().nth(1).and_then(|w| w.parse().ok()).expect("a class");
        assert!(keras.iter().all(|&p| p <= keras[class]), "{line}: {keras:?}");
    }
    let far = probabilities.iter().zip(&keras).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 1e-5, "{far}");

    // A picture of the same digit gives the same answer.
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::GrayImage::from_raw(28, 28, images.data()[..784].to_vec()).expect("784 pixels");
    picture.write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
    folder.file("digit.png", png.get_ref());
    let predict = format!("predict {config} --weights {weights} --adapter host");
    folder.succeeds(&format!("{predict} digit.png digits.npy --out both.npy"));
    let both = folder.f32s("both.npy");
    assert_eq!(both.len(), 710);
    assert!(both[..10].iter().zip(&both[10..20]).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", &both[..20]);

    folder.file("cut.png", &png.get_ref()[..png.get_ref().len() / 2]).file("garbage.png", b"no picture");
    let small = image::GrayImage::new(2, 3);
    let mut bytes = std::io::Cursor::new(Vec::new());
    small.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG");
    folder.file("small.png", bytes.get_ref());
    folder.fails(&format!("{predict} garbage.png --out out.npy"), "garbage.png");
    folder.fails(&format!("{predict} cut.png --out out.npy"), "cut.png");
    folder.fails(&format!("{predict} small.png --out out.npy"), "2x3");
    folder.array("wrong.npy", &[1, 27, 28, 1], &counting(27 * 28));
    folder.fails(&format!("{predict} wrong.npy --out out.npy"), "[28, 28, 1]");
    folder.fails(&format!("{predict} digits.npy --out out.csv"), "out.csv");
    folder.fails(&format!("{predict} digits.npy --out no/out.npy"), "no/out.npy");
}

#[test]
fn wrong_models_are_refused() {
    let folder = Folder::new();
    let model = |layer: &str| {
        format!(
            r#"{{"class_name": "Sequential", "config": {{"name": "odd", "layers": [
            {{"class_name": "InputLayer", "config": {{"name": "in", "batch_shape": [null, 4, 4, 1]}}}},
            {layer}]}}}}"#
        )
    };
    let unknown = model(r#"{"class_name": "Teleport", "config": {"name": "beam"}}"#);
    let nan =
        model(r#"{"class_name": "Conv2D", "config": {"name": "c", "filters": NaN, "kernel_size": [3, 3]}}"#);
    folder.file("unknown.json", unknown.as_bytes()).file("nan.json", nan.as_bytes());
    folder.file("cut.json", &unknown.as_bytes()[..50]).file("cut.keras", b"PK\x03\x04");
    folder.fails("summary unknown.json", "Teleport");
    folder.fails("summary nan.json", "line");
    folder.fails("summary cut.json", "");
    folder.fails("summary cut.keras", "");
    folder.fails("summary missing.json", "missing.json");
    folder.array("in.npy", &[4, 4, 1], &counting(16));
    folder.fails("predict unknown.json --weights none.safetensors in.npy --out out.npy", "none.safetensors");
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_failure() {
    for arguments in ["--help", "op conv --help", "adapters", "--adapter host"] {
        let mut child = wgpool(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let mut stderr = String::new();
        let pipe = child.stderr.as_mut().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("text");
        let status = child.wait().expect("the program ends");
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn the_demonstration_on_the_host_path() {
    let folder = Folder::new();
    let said = folder.succeeds("--adapter host --out pictures");
    for text in ["host path", "12,810", "0.986 (986 of 1,000)", "1,000 of 1,000", "169 of 169", "██"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert!(!said.contains('\x1b'), "no colours in a file");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let mut pictures: Vec<_> = fs::read_dir(folder.0.join("pictures"))
        .expect("the folder")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    pictures.sort();
    assert_eq!(pictures, ["conv1.png", "digit.png", "pool1.png"]);
    let sheet = image::open(folder.0.join("pictures/pool1.png")).expect("a PNG");
    assert!(sheet.width() > 400 && sheet.width() == sheet.height());
    folder.fails("--adapter host --out pictures/pool1.png", "pool1.png");
}
