//! Known differences are found, and where there are none, none is found.

use serde_json::{Value, json};

use super::*;
use crate::verify::random::Rng;

/// A logarithm of times that scatter by about `spread`: the sum of twelve uniform numbers is nearly normal.
fn noise(rng: &mut Rng, spread: f64) -> f64 {
    spread * ((0..12).map(|_| rng.unit()).sum::<f64>() - 6.0)
}

/// A case in which the host path takes these times.
fn case(name: &str, samples: &[f64]) -> Value {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = median(&sorted);
    let wall = json!({ "median_ms": median, "p10_ms": median, "p90_ms": median, "samples_ms": samples });
    json!({ "name": name, "bytes": 8, "flops": 4, "faults": [], "host": { "wall": wall }, "gpu": null })
}

fn report(cases: &[Value]) -> Value {
    json!({
        "schema": 1, "version": "0.1.0", "date": "2026-12-01", "quick": false, "host": { "threads": 2 },
        "adapter": null, "cases": cases, "scaling": [], "fusion": [],
    })
}

fn round(json: &Value) -> Round {
    Round::read("test.json", json.to_string().as_bytes()).expect("a report")
}

/// Rounds of two cases, of 1 and of 50 ms, `factor` as long in the second side: with noise between rounds that meets
/// both sides, noise of each run of its own, and noise of each measurement; now and then a run takes twice as long.
fn sides(rng: &mut Rng, rounds: usize, factor: f64) -> [Vec<Round>; 2] {
    let mut both = [vec![], vec![]];
    for _ in 0..rounds {
        let machine = noise(rng, 0.2);
        for (side, factor) in both.iter_mut().zip([1.0, factor]) {
            let cases = [("short", 1.0), ("long", 50.0)].map(|(name, time)| {
                let run = machine + noise(rng, 0.02) + if rng.one_in(20) { 0.7 } else { 0.0 };
                let samples: Vec<f64> =
                    (0..9).map(|_| time * factor * (run + noise(rng, 0.01)).exp()).collect();
                case(name, &samples)
            });
            side.push(round(&report(&cases)));
        }
    }
    both
}

#[test]
fn ten_percent_are_found_and_equal_ones_are_not() {
    let mut rng = Rng::new(11);
    let trials = 100;
    let (mut slower, mut faster, mut other, mut covered) = (0, 0, 0, 0);
    for _ in 0..trials {
        let [a, b] = sides(&mut rng, 16, 1.1);
        let found = compare(&a, &b).expect("comparable");
        slower += found.rows.iter().filter(|row| row.ratio.verdict() == Verdict::Slower).count();
        covered += found.rows.iter().filter(|row| row.ratio.low < 1.1 && 1.1 < row.ratio.high).count();
        let back = compare(&b, &a).expect("comparable");
        faster += back.rows.iter().filter(|row| row.ratio.verdict() == Verdict::Faster).count();
        let [a, b] = sides(&mut rng, 16, 1.0);
        let found = compare(&a, &b).expect("comparable");
        other += found.rows.iter().filter(|row| row.ratio.verdict() != Verdict::Same).count();
    }
    let all = 2 * trials;
    assert!(slower > all * 95 / 100 && faster > all * 95 / 100, "{slower} and {faster} of {all} are found");
    // More than 95 in 100, give or take what 200 trials may be off.
    assert!(covered > all * 92 / 100, "{covered} of {all} intervals hold the true ratio");
    assert!(other < all * 8 / 100, "{other} of {all} equal ones are called different");
}

#[test]
fn the_mean_over_cases_is_that_of_ratios() {
    let rounds = |times: &[[f64; 2]]| -> Vec<Round> {
        times.iter().map(|[a, b]| round(&report(&[case("a", &[*a]), case("b", &[*b])]))).collect()
    };
    let before = [[1.0, 8.0], [2.0, 8.0], [3.0, 8.0], [1.0, 8.0], [1.0, 4.0], [1.0, 1.0]];
    let after = [[2.0, 16.0], [4.0, 64.0], [6.0, 64.0], [2.0, 64.0], [2.0, 64.0], [2.0, 8.0]];
    let found = compare(&rounds(&before), &rounds(&after)).expect("comparable");
    let [a, b] = found.rows.as_slice() else { panic!("{found:?}") };
    // Of `a` always 2; of `b` 2, 8, 8, 8, 16 and 8.
    let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-12, "{got}, not {want}");
    [a.ratio.low, a.ratio.ratio, a.ratio.high].iter().for_each(|ratio| near(*ratio, 2.0));
    near(b.ratio.low, 2.0);
    near(b.ratio.ratio, 8.0);
    near(b.ratio.high, 16.0);
    assert_eq!((a.median_ms, b.median_ms), ([1.0, 2.0], [8.0, 64.0]));
    let [mean] = found.means.as_slice() else { panic!("{found:?}") };
    near(mean.ratio.low, 2.0);
    near(mean.ratio.ratio, 4.0);
    near(mean.ratio.high, 32f64.sqrt());
    assert_eq!((mean.cases, mean.place, found.rounds, found.notes.len()), (2, Place::Host, 6, 0));
}

#[test]
fn one_file_a_side_goes_by_its_measurements() {
    let one = |times: &[f64]| vec![round(&report(&[case("a", times)]))];
    let found = compare(&one(&[1.0, 1.01, 0.99, 1.0]), &one(&[1.1, 1.11, 1.09])).expect("comparable");
    assert_eq!(found.rows[0].ratio.verdict(), Verdict::Slower, "{found:?}");
    assert_eq!(found.means[0].ratio, found.rows[0].ratio);
    let found = compare(&one(&[1.0, 1.2, 0.9, 1.1]), &one(&[1.1, 1.0, 1.2, 0.9])).expect("comparable");
    assert_eq!(found.rows[0].ratio.verdict(), Verdict::Same, "{found:?}");

    let mut old = report(&[case("a", &[1.0])]);
    old["cases"][0]["host"]["wall"].as_object_mut().expect("an object").remove("samples_ms");
    let old = round(&old);
    let error = compare(std::slice::from_ref(&old), &one(&[1.0, 2.0])).expect_err("no interval");
    assert!(error.to_string().contains("samples_ms"), "{error}");
    let old = vec![old; 6];
    let several = compare(&old, &old).expect("medians are enough");
    assert_eq!(several.rows[0].ratio.ratio, 1.0);
}

#[test]
fn what_the_sides_do_not_share_is_named() {
    let cases = [case("both", &[1.0, 1.1]), case("gone", &[1.0, 1.1]), case("grown", &[1.0, 1.1])];
    let a = report(&cases);
    let mut b = report(&[cases[0].clone(), case("new", &[1.0, 1.1]), cases[2].clone(), case("bad", &[1.0])]);
    b["cases"][2]["bytes"] = 16.into();
    b["cases"][3]["faults"] = json!(["adapter: far off"]);
    b["version"] = "0.2.0".into();
    b["host"]["threads"] = 4.into();
    b["quick"] = true.into();
    b["adapter"] = json!({ "name": "lavapipe", "api": "vulkan", "driver": "Mesa", "software": true });
    let found = compare(&[round(&a)], &[round(&b)]).expect("one case is shared");
    assert_eq!(found.rows.len(), 1);
    for part in [
        "versions differ: A 0.1.0; B 0.2.0",
        "adapters differ: A none; B lavapipe (vulkan), Mesa",
        "threads of the host path differ: A 2; B 4",
        "measurements differ: A all; B few (--quick)",
        "gone, host path: not in test.json",
        "new, host path: not in test.json",
        "grown, host path: other shapes or types",
        "bad: wrong results in test.json (B)",
    ] {
        assert_eq!(
            found.notes.iter().filter(|note| note.starts_with(part)).count(),
            1,
            "{part}: {:?}",
            found.notes
        );
    }
    assert_eq!(found.notes.len(), 8);
}

#[test]
fn fusion_and_scaling_are_compared_too() {
    let timed = |ms: f64| json!({ "wall": { "median_ms": ms, "samples_ms": [ms, ms] } });
    let json = |ms: f64| {
        let mut json = report(&[]);
        json["scaling"] = json!([{ "name": "batch", "cases": [case("1x8", &[ms, ms])] }]);
        let both = json!({ "fused": timed(ms), "two_kernels": timed(2.0) });
        json["fusion"] = json!([{ "name": "F1", "faults": [], "host": null, "gpu": both }]);
        vec![round(&json)]
    };
    let found = compare(&json(1.0), &json(3.0)).expect("comparable");
    let rows: Vec<_> = found.rows.iter().map(|r| (r.case.as_str(), r.place, r.ratio.ratio.round())).collect();
    assert_eq!(
        rows,
        [
            ("batch, 1x8", Place::Host, 3.0),
            ("F1, fused", Place::Adapter, 3.0),
            ("F1, two kernels", Place::Adapter, 1.0)
        ]
    );
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let one = round(&report(&[case("a", &[1.0, 1.1])]));
    let other = round(&report(&[case("b", &[1.0, 1.1])]));
    let refused = |a: &[Round], b: &[Round], part: &str| {
        let error = compare(a, b).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(&[], &[], "A has 0 rounds and B 0");
    let of = |rounds: usize| vec![one.clone(); rounds];
    refused(&of(1), &of(2), "A has 1 rounds and B 2");
    refused(&of(5), &of(5), "5 rounds, but an interval of 95 % takes 6");
    refused(&of(1), &[other], "no case that all rounds of both sides timed (a, host path: not in");

    let unreadable = |json: &str, part: &str| {
        let error = Round::read("x.json", json.as_bytes()).expect_err(part).to_string();
        assert!(error.starts_with("x.json: ") && error.contains(part), "{error}");
    };
    unreadable("{", "no JSON");
    unreadable("{}", "no `schema`");
    unreadable(r#"{"schema": 2}"#, "its schema is 2");
    unreadable(r#"{"schema": 1}"#, "`version`");
    unreadable(r#"{"schema": 1, "version": "1", "cases": 3}"#, "`cases` is no list");
    unreadable(
        r#"{"schema": 1, "version": "1", "cases": [{"name": "a", "host": {}}]}"#,
        "`host` has no `wall`",
    );
    for (key, value) in
        [("median_ms", json!(0.0)), ("median_ms", json!("1")), ("samples_ms", json!([1.0, -1.0]))]
    {
        let mut json = report(&[case("a", &[1.0])]);
        json["cases"][0]["host"]["wall"][key] = value;
        unreadable(&json.to_string(), &format!("a: `host.wall.{key}` must be positive"));
    }
}
