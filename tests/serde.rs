//! Operations as text and back (feature `serde`), and what a plan costs as text.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wgpool::spec::Requantize;
use wgpool::{
    Activation, Caps, Conv, ConvInteger, DType, Op, Padding, Plan, Pool, PoolKind, Problem, TensorDesc,
};
use wgpool_testing::fuzz::{garble, pick, reword, tokens};
use wgpool_testing::verify::random::{Family, Rng};

/// Random operations of every family with what they are computed on, as text too.
fn operations() -> Vec<(Op, Vec<TensorDesc>, String)> {
    let mut rng = Rng::new(1);
    let families = Family::ALL.iter().flat_map(|family| [family; 50]);
    families
        .map(|family| {
            let case = family.case(&mut rng, true);
            let text = serde_json::to_string(&case.op).unwrap();
            (case.op, case.inputs.iter().map(|input| input.desc()).collect(), text)
        })
        .collect()
}

#[test]
fn operations_come_back_as_they_were() {
    let mut kinds = BTreeSet::new();
    for (op, inputs, text) in operations() {
        assert_eq!(serde_json::from_str::<Op>(&text).unwrap(), op, "{text}");
        let descs = serde_json::to_string(&inputs).unwrap();
        assert_eq!(serde_json::from_str::<Vec<TensorDesc>>(&descs).unwrap(), inputs, "{descs}");
        let value: Value = serde_json::from_str(&text).unwrap();
        kinds.extend(value.as_object().unwrap().keys().cloned());
    }
    assert_eq!(kinds.len(), 25, "{kinds:?}");
    let mut rng = Rng::new(2);
    for _ in 0..100_000 {
        let alpha = f32::from_bits(rng.next_u64() as u32);
        let activation = Activation::LeakyRelu { alpha };
        let text = serde_json::to_string(&activation).unwrap();
        // JSON has no infinity and no NaN: what has one is not read.
        assert_eq!(serde_json::from_str(&text).ok(), alpha.is_finite().then_some(activation), "{text}");
    }
}

/// What was stored once must be read later on.
#[test]
fn the_text_stays_the_same() {
    let kind = PoolKind::Average { count_include_pad: true, divisor: None };
    let pool = Pool::new(kind, [2, 3]).padding(Padding::Explicit { before: vec![1], after: vec![0, 1] });
    let text = json!({ "pool": {
        "kind": { "average": { "count_include_pad": true, "divisor": null } },
        "window": [2, 3], "stride": [2, 3], "dilation": [1],
        "padding": { "explicit": { "before": [1], "after": [0, 1] } },
        "ceil_mode": false, "indices": null, "layout": "nchw",
    }});
    assert_eq!(serde_json::to_value(Op::from(pool)).unwrap(), text);
    let requantize = Some(Requantize { output: DType::I8, zero: -3 });
    let conv = Conv::new().padding(Padding::SameUpper).activation(Activation::LeakyRelu { alpha: 0.5 });
    let text = json!({ "conv_integer": {
        "conv": {
            "stride": [1], "dilation": [1], "padding": "same_upper", "groups": 1,
            "activation": { "leaky_relu": { "alpha": 0.5 } },
            "layout": "nchw", "kernel_layout": "oihw", "accuracy": "element",
        },
        "requantize": { "output": "i8", "zero": -3 },
    }});
    assert_eq!(serde_json::to_value(Op::from(ConvInteger { conv, requantize })).unwrap(), text);
    assert_eq!(serde_json::to_value(Op::from(Activation::PRelu)).unwrap(), json!({ "activation": "prelu" }));
    let text = json!({ "shape": [2, 3], "dtype": "f32" });
    assert_eq!(serde_json::to_value(TensorDesc::f32([2, 3])).unwrap(), text);
    for &dtype in DType::ALL {
        assert_eq!(serde_json::to_value(dtype).unwrap(), dtype.to_string());
    }
}

#[test]
fn what_is_no_operation_is_refused() {
    let pool = serde_json::to_string(&Op::from(Pool::average([2, 2]))).unwrap();
    let refused = |from: &str, to: &str, reason: &str| {
        let text = pool.replacen(from, to, 1);
        assert_ne!(text, pool);
        let error = serde_json::from_str::<Op>(&text).expect_err(&text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    };
    refused("\"pool\"", "\"pol\"", "unknown variant `pol`");
    refused("\"nchw\"", "\"Nchw\"", "unknown variant `Nchw`");
    refused("\"stride\"", "\"strides\"", "unknown field `strides`");
    refused("\"divisor\"", "\"divider\"", "unknown field `divider`");
    refused("\"stride\":[2,2],", "", "missing field `stride`");
    refused("\"stride\"", "\"window\"", "duplicate field `window`");
    refused("[2,2]", "[2,-2]", "invalid value: integer `-2`");
    refused("[2,2]", "[2.5,2]", "invalid type: floating point");
    refused("[2,2]", "[18446744073709551616,2]", "invalid type: floating point");
    refused("[2,2]", "null", "invalid type: null");
    refused("[2,2]", &"[".repeat(10_000), "invalid type: sequence");
    refused("\"nchw\"}}", "\"nchw\"}", "EOF");
}

/// What cannot be computed can be read; the check is that of every operation.
#[test]
fn what_was_read_is_checked_as_any_other() {
    let image = [TensorDesc::f32([1, 1, 8, 8])];
    for (from, to) in [
        ("\"stride\":[2,2]", "\"stride\":[0,2]"),
        ("\"stride\":[2,2]", "\"stride\":[]"),
        ("\"dilation\":[1]", "\"dilation\":[18446744073709551615]"),
        ("\"divisor\":null", "\"divisor\":0"),
    ] {
        let text = serde_json::to_string(&Op::from(Pool::average([2, 2]))).unwrap();
        let text = text.replacen(from, to, 1);
        assert!(text.contains(to), "{text}");
        let op: Op = serde_json::from_str(&text).unwrap();
        assert!(Problem::new(&op, &image).is_err(), "{text}");
    }
}

#[test]
fn damaged_text_is_refused_or_checked() {
    let mut rng = Rng::new(3);
    let operations = operations();
    let (mut refused, mut illegal, mut legal) = (0, 0, 0);
    for _ in 0..20_000 {
        let (_, inputs, text) = pick(&mut rng, &operations);
        let (_, _, other) = pick(&mut rng, &operations);
        let damaged = match rng.one_in(2) {
            true => garble(&mut rng, text.as_bytes(), other.as_bytes()),
            false => reword(&mut rng, &tokens(text)).into_bytes(),
        };
        let Ok(op) = serde_json::from_slice::<Op>(&damaged) else {
            refused += 1;
            continue;
        };
        match Problem::new(&op, inputs) {
            Ok(_) => legal += 1,
            Err(_) => illegal += 1,
        }
    }
    assert!(refused > 100 && illegal > 100 && legal > 100, "{refused} {illegal} {legal}");
}

#[test]
fn what_a_plan_costs_as_text() {
    let inputs = [TensorDesc::f32([1, 3, 8, 8]), TensorDesc::f32([4, 3, 3, 3])];
    let explanation = Plan::new(&Conv::new().into(), &inputs, &Caps::default()).unwrap().explain();
    let text = serde_json::to_value(&explanation).unwrap();
    assert_eq!(text["op"], explanation.op.as_ref());
    assert_eq!(serde_json::from_value::<Vec<TensorDesc>>(text["inputs"].clone()).unwrap(), inputs);
    assert_eq!(text["steps"].as_array().unwrap().len(), explanation.steps.len());
    for (step, text) in explanation.steps.iter().zip(text["steps"].as_array().unwrap()) {
        assert_eq!(text["kernel"], step.kernel.unwrap().to_string());
        assert_eq!((&text["why"], &text["flops"]), (&json!(step.why), &json!(step.flops)));
    }
    let outcomes = text["considered"].as_array().unwrap();
    assert!(outcomes.iter().any(|considered| considered["outcome"] == "taken"), "{outcomes:?}");
    assert!(outcomes.iter().any(|c| c["outcome"]["does_not_apply"].is_string()), "{outcomes:?}");
}
