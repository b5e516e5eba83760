//! `wgpool bench` and `--explain`, as a person or a script meets them.

#[path = "support/cli.rs"]
mod cli;

use cli::{Folder, mnist};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
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
    for text in ["SOFTWARE ADAPTER", "Roofline", "P7 max 2x2/2 small", "GFLOP/s"] {
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
    folder.fails("bench --kernels fast", "fast");
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
