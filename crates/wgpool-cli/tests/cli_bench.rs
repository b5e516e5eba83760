//! `wgpool bench` and `--explain`, as a person or a script meets them.

#[path = "support/cli.rs"]
mod cli;

use cli::{Folder, mnist};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn registers_are_limited() {
    use wgpool::host::{Simd, limit_simd};
    let folder = Folder::new();
    let said = folder.succeeds("bench --quick --case C2,P7 --adapter host --simd baseline --json b.json");
    assert!(said.contains("with baseline of"), "{said}");
    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    assert_eq!(json["host"]["simd"], "baseline");
    assert_eq!(json["cases"][0]["faults"], Value::Array(vec![]));
    let widest = limit_simd(Simd::Avx512);
    folder.succeeds(&format!("bench --quick --case P7 --adapter host --simd {widest} --json w.json"));
    let json: Value = serde_json::from_slice(&folder.read("w.json")).expect("JSON");
    assert_eq!(json["host"]["simd"], widest.to_string());
    folder.fails("bench --simd mmx", "avx2");
    // What a CPU lacks is not taken for something else.
    if widest < Simd::Avx512 {
        folder.fails("adapters --simd avx512", "this CPU has");
    }
}

#[test]
fn a_software_adapter_beside_the_host_path() {
    let folder = Folder::new();
    let said = folder
        .succeeds("bench --quick --case p7,F2 --adapter software --json b.json --plot b.svg --kernels auto");
    for part in ["SOFTWARE ADAPTER, no GPU", "host path", "software adapter", "P7 max", "F2 3x3", "--quick"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(folder.names(), ["b.json", "b.svg"], "no part of a file is left");

    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    assert_eq!((&json["schema"], &json["quick"]), (&Value::from(1), &Value::from(true)));
    assert_eq!(json["adapter"]["software"], true);
    assert_eq!(json["adapter"]["hardware_kernels"], false);
    for key in ["cpu", "os", "arch"] {
        assert!(json["host"][key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {json}");
    }
    let case = &json["cases"][1];
    assert_eq!(case["inputs"][1], serde_json::json!({ "shape": [10, 3, 3, 3], "dtype": "f32" }));
    assert_eq!(case["outputs"], serde_json::json!([{ "shape": [1, 10, 111, 111], "dtype": "f32" }]));
    let date = json["date"].as_str().expect("a date");
    assert_eq!(date.split('-').map(str::len).collect::<Vec<_>>(), [4, 2, 2], "{date}");
    for who in ["host", "adapter"] {
        let ceilings = &json[who]["ceilings"];
        assert!(number(&ceilings["gbs"]) > 0.0 && number(&ceilings["gflops"]) > 0.0, "{ceilings}");
    }
    let names: Vec<&str> =
        json["cases"].as_array().expect("cases").iter().filter_map(|case| case["name"].as_str()).collect();
    assert_eq!(names, ["P7 max 2x2/2 small", "F2 3x3 few + max 2x2"]);
    for case in json["cases"].as_array().expect("cases") {
        assert_eq!(case["faults"], Value::Array(vec![]));
        assert!(number(&case["checked"]["compared"]) > 0.0 && number(&case["first_result_ms"]) > 0.0);
        assert!(case["kernels"].as_array().is_some_and(|kernels| !kernels.is_empty()));
        for who in ["host", "gpu"] {
            let side = &case[who];
            let [low, median, high] = ["p10_ms", "median_ms", "p90_ms"].map(|key| number(&side["wall"][key]));
            assert!(0.0 < low && low <= median && median <= high, "{side}");
            let seconds = match &side["timestamp"] {
                Value::Null => median / 1e3,
                stamps => number(&stamps["median_ms"]) / 1e3,
            };
            let gbs = number(&case["bytes"]) / seconds / 1e9;
            assert!((number(&side["gbs"]) / gbs - 1.0).abs() < 1e-6, "{side}");
            assert!(number(&side["share"]) > 0.0);
        }
    }
    // 32 x 32 planes of 26 x 26 and of 13 x 13; a tap for every element that is read.
    assert_eq!(json["cases"][0]["bytes"], 4 * 32 * 32 * (26 * 26 + 13 * 13));
    assert_eq!(json["cases"][0]["flops"], 32 * 32 * 26 * 26);

    let svg = String::from_utf8(folder.read("b.svg")).expect("text");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    let cpu = json["host"]["cpu"].as_str().expect("text");
    let shapes = "32x32x26x26 to 32x32x13x13";
    for text in ["SOFTWARE ADAPTER", "Roofline", "P7 max 2x2/2 small", "GFLOP/s", "logarithmic", shapes, cpu]
    {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn the_host_path_alone_and_a_picture_with_letters() {
    let folder = Folder::new();
    let said = folder.succeeds("bench --quick --case P5 --adapter host --json b.json --plot b.png");
    assert!(said.contains("no adapter") && !said.contains("SOFTWARE"), "{said}");
    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    assert_eq!((&json["adapter"], &json["cases"][0]["gpu"]), (&Value::Null, &Value::Null));
    let picture = image::load_from_memory(&folder.read("b.png")).expect("a PNG").to_rgb8();
    assert!(picture.width() > 1000 && picture.height() > 500);
    // The heading is written whether or not the machine has fonts: ink in the upper left corner.
    let dark = (0..600).flat_map(|x| (10..45).map(move |y| (x, y)));
    let dark = dark.filter(|&(x, y)| picture.get_pixel(x, y).0.iter().all(|&c| c < 100)).count();
    assert!(dark > 500, "{dark} dark pixels");
}

/// The edges of letters in PNG lie as finely as those in SVG: pixels of many greys, and of twice as many as the picture names.
#[test]
fn letters_are_drawn_finely() {
    let folder = Folder::new();
    folder.succeeds("bench --quick --case P5 --adapter host --plot b.png");
    folder.succeeds("bench --quick --case P5 --adapter host --plot b.svg");
    let svg = String::from_utf8(folder.read("b.svg")).expect("text");
    let picture = image::load_from_memory(&folder.read("b.png")).expect("a PNG").to_rgb8();
    let size = |factor: u32| {
        format!("width=\"{}\" height=\"{}\"", picture.width() / factor, picture.height() / factor)
    };
    assert!(svg.contains(&size(2)), "{}", &svg[..200]);
    let greys: std::collections::BTreeSet<u8> = (0..600)
        .flat_map(|x| (20..90).map(move |y| (x, y)))
        .map(|(x, y)| picture.get_pixel(x, y).0[0])
        .collect();
    assert!(greys.len() > 100, "{}", greys.len());
}

#[test]
fn workloads_of_ones_own() {
    let folder = Folder::new();
    let mut bench = cli::program();
    bench.current_dir(&folder.0).args([
        "bench",
        "--quick",
        "--adapter",
        "host",
        "--op",
        "conv 3x3 8->4 same relu",
    ]);
    bench.args([
        "--op",
        "max 2x2",
        "--shape",
        "1x8x12x12",
        "--shape",
        "2x8x6x6",
        "--json",
        "b.json",
        "--csv",
        "b.csv",
    ]);
    let output = bench.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("W4 max 2x2"), "{output:?}");
    assert!(!said.contains("P1 max"), "only these: {said}");
    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    let cases = json["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 4);
    assert_eq!(cases[0]["name"], "W1 conv 3x3 8->4 same relu");
    assert_eq!(cases[0]["inputs"][0]["shape"], serde_json::json!([1, 8, 12, 12]));
    assert_eq!(cases[1]["outputs"][0]["shape"], serde_json::json!([2, 4, 6, 6]));
    let csv = String::from_utf8(folder.read("b.csv")).expect("text");
    let rows: Vec<Vec<&str>> = csv.lines().map(|row| row.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|head| *head == name).expect("a column");
    assert_eq!(rows.len(), 5, "{csv}");
    let one = &rows[1];
    assert_eq!((one[column("case")], one[column("where")]), ("W1 conv 3x3 8->4 same relu", "host"));
    assert_eq!((one[column("inputs")], one[column("dtype")]), ("1x8x12x12 4x8x3x3 4", "f32"));
    let number = |name: &str| one[column(name)].parse::<f64>().unwrap_or_else(|_| panic!("{name}: {csv}"));
    assert!(
        0.0 < number("p10_ms")
            && number("p10_ms") <= number("median_ms")
            && number("median_ms") <= number("p90_ms")
    );
    assert_eq!(number("samples"), cases[0]["host"]["samples"].as_f64().expect("a number"));

    folder.file(
        "own.json",
        br#"[{"op": "avg 3x3/1", "shape": [1, 4, 9, 9]},
             {"name": "attention", "op": {"softmax": {"axis": -1}}, "shapes": [[8, 16, 16]]}]"#,
    );
    let said = folder.succeeds("bench --quick --specs own.json --adapter software");
    assert!(said.contains("W1 avg 3x3/1") && said.contains("attention") && !said.contains("WRONG"), "{said}");
    folder.file("bad.json", br#"[{"op": {"softmax": {"axes": 1}}, "shapes": [[4]]}]"#);
    folder.fails("bench --specs bad.json", "bad.json: [0].op: ");
    folder.fails("bench --op max --shape 1x8x12x12", "conv 3x3 64->128");
    folder.fails("bench --op relu", "--shape");
    folder.fails("bench --op relu --shape 1x8 --json own.json --specs own.json", "would be replaced");
}

#[test]
fn a_model_by_its_operations_and_whole() {
    let folder = Folder::new();
    let model = format!("{} --weights {}", mnist("config.json"), mnist("weights.safetensors"));
    let said = folder.succeeds(&format!(
        "bench {model} --batch 1,8 --quick --adapter software --json b.json --plot b.svg"
    ));
    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    let cases = json["cases"].as_array().expect("cases");
    let wholes: Vec<&Value> = cases
        .iter()
        .filter(|case| case["name"].as_str().is_some_and(|name| name.starts_with("model batch")))
        .collect();
    assert_eq!(wholes.len(), 2, "{said}");
    assert_eq!(wholes[1]["inputs"][0]["shape"], serde_json::json!([8, 28, 28, 1]));
    let parts: u64 =
        cases[..cases.len() / 2 - 1].iter().map(|case| case["flops"].as_u64().expect("a number")).sum();
    assert_eq!(wholes[0]["flops"].as_u64(), Some(parts));
    for side in ["host", "gpu"] {
        assert!(wholes.iter().all(|case| number(&case[side]["wall"]["median_ms"]) > 0.0), "{said}");
    }
    folder.fails("bench --batch 2", "<MODEL>");
    folder.fails("bench none.keras", "none.keras");
}

#[test]
fn an_onnx_model_by_its_operations_and_whole() {
    let folder = Folder::new();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/onnx/small.onnx");
    let said = folder.succeeds(&format!(
        "bench {model} --batch 2 --quick --adapter host --json b.json --profile times.json"
    ));
    assert!(said.contains("medians of 10 runs") && said.contains("all of"), "{said}");
    let times: Value = serde_json::from_slice(&folder.read("times.json")).expect("JSON");
    assert_eq!((&times["operations"][0]["name"], &times["runs"]), (&"conv+relu".into(), &10.into()));
    let report: serde_json::Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    let names: Vec<&str> =
        report["cases"].as_array().expect("cases").iter().filter_map(|case| case["name"].as_str()).collect();
    assert_eq!(names.last(), Some(&"model batch 2"), "{names:?}");
    assert!(names.len() > 2 && names[0].starts_with("conv"), "{names:?}");
    let two = model.replace("small", "two");
    folder.fails(&format!("bench {two} --batch 5 --quick --adapter host"), "give --batch 2");
}

#[test]
fn figures_go_to_standard_output_alone() {
    let folder = Folder::new();
    let output = folder.run("bench --quick --case P5 --adapter host --json -");
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!(json["cases"][0]["name"], "P5 global avg");
    assert!(String::from_utf8_lossy(&output.stderr).contains("P5 global avg"));
    let output = folder.run("bench --quick --case P5 --adapter host --csv -");
    assert!(output.stdout.starts_with(b"case,where,"));
    let output = folder.run("bench --quick --case P5 --adapter host --plot -");
    assert!(output.stdout.starts_with(b"<svg"));
    assert_eq!(folder.names(), [] as [&str; 0], "no file of the name -");
    folder.fails("bench --quick --case P5 --adapter host --json - --csv -", "two outputs");
}

#[test]
fn kernels_that_are_named_side_by_side() {
    let folder = Folder::new();
    let command = "bench --quick --case P5,P7,C6 --adapter software --kernels pool/* --json b.json";
    let said = folder.succeeds(command);
    assert!(said.contains("pool/patch") && said.contains("left out") && said.contains("C6"), "{said}");
    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    let cases = json["cases"].as_array().expect("cases");
    let of = |name: &str| {
        let name = Value::from(name);
        cases.iter().find(|case| case["name"] == name).unwrap_or_else(|| panic!("{name}: {said}"))
    };
    let (sliding, patch) = (of("P7 max 2x2/2 small pool/sliding"), of("P7 max 2x2/2 small pool/patch"));
    assert_eq!((&sliding["kernels"][0], &patch["kernels"][0]), (&"Pool".into(), &"PoolPatch".into()));
    assert_eq!(of("P5 global avg pool/global")["kernels"][0], "PoolPlane");
    assert_eq!(cases.iter().filter(|case| case["host"] != Value::Null).count(), 2, "once a case");
    folder.fails("bench --quick --case C2 --adapter software --kernel pool/patch", "pool/patch");
    folder.fails("bench --quick --case C2 --adapter host --kernels conv/gemm", "--adapter");
}

#[test]
fn fusion_and_scaling() {
    let folder = Folder::new();
    let said = folder.succeeds("bench --quick --fusion --scaling --adapter host --json b.json");
    assert!(said.contains("speedup") && said.contains("1x8x1792x1792"), "{said}");
    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    assert_eq!(json["cases"], Value::Array(vec![]));
    let fusion = json["fusion"].as_array().expect("fusion");
    assert_eq!(fusion.len(), 2);
    for case in fusion {
        let host = &case["host"];
        let [fused, two] = ["fused", "two_kernels"].map(|way| number(&host[way]["wall"]["median_ms"]));
        assert!((number(&host["speedup"]) - two / fused).abs() < 1e-9, "{case}");
    }
    let rows = json["scaling"].as_array().expect("scaling");
    assert_eq!(rows.len(), 4);
    for row in rows {
        let last = row["cases"].as_array().and_then(|cases| cases.last()).expect("cases");
        assert_eq!(last["host_deviation"], 1.0, "{row}");
    }
}

#[test]
fn cases_are_exported_for_other_programs() {
    let folder = Folder::new();
    folder.succeeds("bench --case P4,C6 --export cases");
    let json: Value = serde_json::from_slice(&folder.read("cases/cases.json")).expect("JSON");
    let [pool, conv] = json["cases"].as_array().expect("cases").as_slice() else { panic!("{json}") };
    assert_eq!(pool["name"], "P4 avg 3x3/1");
    assert_eq!((&pool["conv"], &pool["pool"]["kind"]), (&Value::Null, &Value::from("average")));
    assert_eq!(pool["pool"]["pad_before"], serde_json::json!([1, 1]));
    assert_eq!((&conv["conv"]["activation"], &conv["pool"]), (&Value::from("relu"), &Value::Null));
    // SameUpper comes as numbers.
    assert_eq!(conv["conv"]["pad_after"], serde_json::json!([2, 2]));
    assert_eq!(conv["output"], serde_json::json!([16, 64, 10, 10]));
    // What is written is what the operation says, computed again from the files by another command.
    folder.succeeds(
        "op avg-pool --window 3x3 --stride 1x1 --padding 1 cases/P4.in0.npy -o again.npy --adapter host",
    );
    assert_eq!(folder.read("again.npy"), folder.read("cases/P4.out.npy"));
    assert_eq!(folder.read("cases/C6.in2.npy").len(), 128 + 64 * 4);
    folder.fails("bench --case P4 --export cases --json b.json", "--export");
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let folder = Folder::new();
    folder.fails("bench --case P0", "the cases are P1, P2");
    folder.fails("bench --case P5 --adapter reference", "reference");
    folder.fails("bench --case P5 --plot picture.gif", ".svg or .png");
    folder.fails("bench --case P5 --json no/such/folder/b.json", "b.json");
    folder.fails("bench --fusion --plot picture.svg", "--case");
    folder.fails("bench --kernels fast", "the kernels are conv/register_tiles");
    folder.fails("bench --fusion --case P1,C2 --adapter host", "convolution with pooling");
    folder.fails("bench --case ,", "the cases are P1, P2");
}

/// A report of two cases, on the host path and the adapter, of which each takes `factor` as long as in the others.
fn report(version: &str, factor: f64, noise: [f64; 2]) -> Vec<u8> {
    let side = |ms: f64| {
        let samples = noise.map(|n| ms * factor * n);
        serde_json::json!({ "wall": { "median_ms": samples[0], "samples_ms": samples } })
    };
    let case = |name: &str, ms: f64| serde_json::json!({ "name": name, "bytes": 4, "flops": 8, "faults": [], "host": side(ms), "gpu": side(ms) });
    let adapter =
        serde_json::json!({ "name": "lavapipe", "api": "vulkan", "driver": "Mesa", "software": true });
    let report = serde_json::json!({
        "schema": 1, "version": version, "quick": false, "host": { "threads": 2 }, "adapter": adapter,
        "cases": [case("P1 max", 1.0), case("C2 3x3", 40.0)],
    });
    report.to_string().into_bytes()
}

#[test]
fn builds_are_compared_over_rounds() {
    let folder = Folder::new();
    for side in ["a", "same", "slow"] {
        std::fs::create_dir(folder.0.join(side)).expect("a folder");
    }
    let wiggle = [1.0, 1.004, 0.998, 1.002, 0.997, 1.001];
    for (i, noise) in wiggle.into_iter().enumerate() {
        // What meets both sides in a round makes no difference.
        let machine = 1.0 + i as f64;
        folder.file(&format!("a/{i}.json"), &report("0.1.0", machine, [1.0; 2]));
        folder.file(&format!("same/{i}.json"), &report("0.1.0", machine * noise, [1.0; 2]));
        folder.file(&format!("slow/{i}.json"), &report("0.2.0", 1.1 * machine * noise, [1.0; 2]));
    }
    folder.file("a/notes.txt", b"no round");
    let said = folder.succeeds("bench --compare a same --fail-above 1.03");
    assert!(!said.contains("note") && !said.contains("slower") && !said.contains("faster"), "{said}");
    assert_eq!(said.matches(" same\n").count(), 6, "{said}");
    assert!(said.contains("A: a, 6 rounds") && said.contains("sign test"), "{said}");

    let said = folder.succeeds("bench --compare a slow");
    assert_eq!(said.matches(" slower\n").count(), 6, "{said}");
    assert!(
        said.contains("geometric mean of 2") && said.contains("versions differ: A 0.1.0; B 0.2.0"),
        "{said}"
    );
    let row =
        said.lines().find(|line| line.starts_with("P1 max") && line.contains("adapter")).expect("a row");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(&cells[2..6], ["adapter", "3.50", "3.85", "1.101"], "{row}");
    assert_eq!(folder.succeeds("bench --compare slow a").matches(" faster\n").count(), 6);

    let output = folder.run("bench --compare a slow --fail-above 1.03");
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!((output.status.code(), said.matches("FAILED ").count()), (Some(1), 4), "{said}");
    assert!(said.contains("FAILED C2 3x3, host path: 1.101 times A, at least 1.097"), "{said}");
    folder.succeeds("bench --compare a slow --fail-above 1.2");
}

#[test]
fn builds_are_compared_by_single_files() {
    let folder = Folder::new();
    folder
        .file("a.json", &report("0.1.0", 1.0, [1.0, 1.001]))
        .file("b.json", &report("0.1.0", 1.2, [1.0, 1.001]));
    let said = folder.succeeds("bench --compare a.json b.json");
    assert!(said.contains("A: a.json, 1 round\n") && said.contains("too narrow"), "{said}");
    assert_eq!(said.matches(" slower\n").count(), 6, "{said}");
    // What the benchmark itself writes.
    folder.succeeds("bench --quick --case P5 --adapter host --json own.json");
    let said = folder.succeeds("bench --compare own.json own.json");
    assert!(said.contains("1.000") && said.matches(" same\n").count() == 2, "{said}");
}

#[test]
fn what_cannot_be_compared_is_named() {
    let folder = Folder::new();
    folder.file("a.json", &report("0.1.0", 1.0, [1.0, 1.1])).file("bad.json", b"{}").file("cut.json", b"{");
    for name in ["empty", "two"] {
        std::fs::create_dir(folder.0.join(name)).expect("a folder");
    }
    folder.file("two/1.json", &report("1", 1.0, [1.0; 2])).file("two/2.json", &report("1", 1.0, [1.0; 2]));
    folder.fails("bench --compare a.json", "2 values");
    folder.fails("bench --compare a.json none.json", "none.json");
    folder.fails("bench --compare a.json bad.json", "bad.json: it has no `schema`");
    folder.fails("bench --compare cut.json a.json", "cut.json: it is no JSON");
    folder.fails("bench --compare a.json empty", "empty: the folder has no .json file");
    folder.fails("bench --compare a.json two", "A has 1 rounds and B 2");
    folder.fails("bench --compare two two", "2 rounds, but an interval of 95 % takes 6");
    folder.fails("bench --compare a.json a.json --quick", "--quick");
    folder.fails("bench --compare a.json a.json --fail-above 0", "positive");
    folder.fails("bench --fail-above 1.03", "--compare");
}

/// Two programs that are one: ten percent apart would be a wonder of a machine, so only what is printed is looked at.
#[cfg(unix)]
#[test]
fn the_script_interleaves_both() {
    let folder = Folder::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/bench_compare.sh");
    let program = env!("CARGO_BIN_EXE_wgpool");
    // Notes the order of the runs.
    for side in ["a", "b"] {
        let text = format!("#!/bin/sh\necho \"{side} $*\" >> order\nexec {program} \"$@\"\n");
        folder.file(side, text.as_bytes());
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.0.join(side), mode).expect("an executable file");
    }
    let run = |arguments: &str| {
        let mut script = std::process::Command::new(script);
        script.current_dir(&folder.0).args(arguments.split_whitespace()).output().expect("the script runs")
    };
    let output = run("./a ./b --rounds 6 --out kept --quick --case P5 --adapter host");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        said.contains("6 rounds") && said.contains("P5") && said.contains("geometric mean of 1"),
        "{said}"
    );
    let order = String::from_utf8(folder.read("order")).expect("text");
    let order: String = order.lines().filter(|line| line.contains("--json")).map(|line| &line[..1]).collect();
    assert_eq!(order, "abbaabbaabba");
    assert!(folder.0.join("kept/A/006.json").exists() && folder.0.join("kept/B/001.json").exists());

    let refused = |arguments: &str, part: &str| {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains(part), "{arguments}: {said}");
    };
    refused("./a", "usage");
    refused("./a ./none", "./none");
    refused("./a ./b --rounds 5", "6 or more");
    refused("./a ./b --out kept --quick --case P5 --adapter host", "holds rounds already");
    refused("./a ./b --rounds 6 --case P0", "ended with status 2");
}

#[test]
fn operations_and_models_explain_themselves() {
    let folder = Folder::new();
    let zeros = vec![0.0; 2 * 6 * 6];
    folder.array("in.npy", &[1, 2, 6, 6], &zeros).array("k.npy", &[4, 2, 3, 3], &zeros);
    for adapter in ["host", "reference", "software"] {
        let said = folder
            .succeeds(&format!("op conv --kernel k.npy in.npy -o out.npy --explain --adapter {adapter}"));
        // 4 channels of 4 x 4 elements, two operations for each of 2 x 9 taps.
        for part in ["FLOP", "2.30 k", "a run", "memory", "outputs 256 B"] {
            assert!(said.contains(part), "{adapter}, {part}: {said}");
        }
    }
    let config = mnist("config.json");
    for command in ["summary", "predict"] {
        folder.array("digit.npy", &[1, 28, 28, 1], &[0.0; 28 * 28]);
        let input = if command == "predict" { " digit.npy" } else { "" };
        let said = folder.succeeds(&format!("{command} {config}{input} --explain --adapter software"));
        for part in ["layer: kernel", "conv1", "dense_out: Softmax", "why", "weights 51.2 kB"] {
            assert!(said.contains(part), "{command}, {part}: {said}");
        }
        let plain = folder.succeeds(&format!("{command} {config}{input} --adapter host"));
        assert!(!plain.contains("layer: kernel"), "{plain}");
    }
}

#[test]
fn convolutions_by_tile_are_labelled() {
    let folder = Folder::new();
    let said = folder.succeeds("bench --quick --case P7,C2,C3 --accuracy tile --adapter host --json b.json");
    assert!(said.contains("C2 3x3 by tile") && !said.contains("C3") && !said.contains("P7"), "{said}");
    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    assert_eq!(json["cases"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&json["cases"][0]["accuracy"], &json["cases"][0]["faults"][0]),
        (&"tile".into(), &Value::Null)
    );
}

#[test]
fn convolutions_by_chain_are_labelled() {
    let folder = Folder::new();
    let said = folder.succeeds("bench --quick --case P7,C3 --accuracy chain --adapter host --json b.json");
    assert!(said.contains("C3 1x1 by chain") && !said.contains("P7"), "{said}");
    let json: Value = serde_json::from_slice(&folder.read("b.json")).expect("JSON");
    assert_eq!(
        (&json["cases"][0]["accuracy"], &json["cases"][0]["faults"][0]),
        (&"chain".into(), &Value::Null)
    );
    folder.fails("bench --quick --case P7 --accuracy chain --adapter host", "--accuracy chain");
}
