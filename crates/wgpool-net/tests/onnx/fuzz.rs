//! Hostile models, the same for the same seed: nothing panics, parsing allocates at most four times the file, and a tensor's
//! bytes at most eight times (a number of one byte in the file may have eight).
//!
//! `WGPOOL_FUZZ=1000000 cargo test --release --test onnx hostile -- --nocapture` sets the number of models.

use wgpool_net::onnx::Model;
use wgpool_testing::fuzz::{self, Tally, count, extreme, garble, pick};
use wgpool_testing::verify::random::Rng;

use super::message::{Message, model, models, node, value, varint};

/// What an error may take beside.
pub const ERRORS: usize = 4 << 10;

/// Where the field of a message that begins at `at` ends, and where its bytes begin if it has any.
fn field(bytes: &[u8], at: usize) -> Option<(usize, Option<usize>)> {
    let number = |mut at: usize| -> Option<(u64, usize)> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            value |= u64::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 || shift > 56 {
                return Some((value, at));
            }
        }
    };
    let (tag, at) = number(at)?;
    let (end, content) = match tag & 7 {
        0 => (number(at)?.1, None),
        1 => (at + 8, None),
        5 => (at + 4, None),
        2 => {
            let (length, begin) = number(at)?;
            (begin.checked_add(length as usize)?, Some(begin))
        }
        _ => return None,
    };
    (tag >> 3 > 0 && end <= bytes.len()).then_some((end, content))
}

/// The fields of a message; none if it is no message.
pub fn fields(bytes: &[u8]) -> Vec<(usize, usize, Option<usize>)> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let Some((end, content)) = field(bytes, at) else { return Vec::new() };
        all.push((at, end, content));
        at = end;
    }
    all
}

/// A message with one field changed in it or in what it holds, and all lengths right.
pub fn edited(rng: &mut Rng, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let all = fields(bytes);
    if all.is_empty() {
        return garble(rng, bytes, other);
    }
    let &(at, end, content) = pick(rng, &all);
    let (before, own, behind) = (&bytes[..at], &bytes[at..end], &bytes[end..]);
    let with = |middle: &[u8]| [before, middle, behind].concat();
    if let Some(begin) = content.filter(|_| !rng.one_in(6)) {
        // Messages are as likely to be entered as to be changed.
        let inner = edited(rng, &bytes[begin..end], other);
        let tag = bytes[at];
        return with(&Message(vec![]).bytes(u32::from(tag) >> 3, inner).0);
    }
    match rng.between(0, 5) {
        0 => with(&[]),
        1 => with(&own.repeat(rng.between(2, 5))),
        2 => {
            let &(from, to, _) = pick(rng, &all);
            with(&bytes[from..to])
        }
        3 => {
            let theirs = fields(other);
            match theirs.is_empty() {
                true => with(other),
                false => {
                    let &(from, to, _) = pick(rng, &theirs);
                    with(&other[from..to])
                }
            }
        }
        4 if content.is_none() => {
            let mut number = vec![own[0]];
            varint(extreme(rng), &mut number);
            with(&number)
        }
        _ => {
            let mut tag = own.to_vec();
            tag[0] ^= 8 << rng.between(0, 3);
            with(&tag)
        }
    }
}

/// Everything that a model can be asked.
fn use_model(model: &Model<'_>, n: usize) {
    let graph = model.graph();
    let _ = (model.ir_version(), model.producer(), model.producer_version(), graph.name());
    model.properties().for_each(|property| assert!(property.key().len() + property.value().len() <= n));
    let tensors =
        graph.nodes().flat_map(|node| node.attributes().map(move |attribute| (node, attribute.name())));
    let tensors = tensors.filter_map(|(node, name)| node.tensor(name).ok().flatten());
    for tensor in graph.initializers().chain(tensors) {
        let (_, peak) = fuzz::peak(|| (tensor.bytes().map(drop), tensor.external().map(drop)));
        assert!(peak <= 8 * n + ERRORS, "{peak} bytes for a tensor in {n}");
    }
    for value in graph.inputs().chain(graph.outputs()).chain(graph.value_infos()) {
        let _ = value.tensor_type();
    }
    for node in graph.nodes() {
        assert!(!node.op_type().is_empty() && node.label().len() < 1000);
        for attribute in node.attributes() {
            let name = attribute.name();
            let found = match attribute.type_name() {
                "int" => node.int(name).map(drop),
                "float" => node.float(name).map(drop),
                "string" => node.text(name).map(drop),
                "tensor" => node.tensor(name).map(drop),
                "ints" => node.ints(name).map(drop),
                "floats" => node.floats(name).map(drop),
                _ => node.texts(name).map(drop),
            };
            drop(found);
        }
    }
}

#[test]
fn hostile_models() {
    let mut tally = Tally::new("ONNX models");
    let mut rng = Rng::new(11);
    let files = ["legal", "refused"].map(models).concat();
    let mut seeds: Vec<Vec<u8>> = files.iter().map(|(_, path)| std::fs::read(path).unwrap()).collect();
    // The large ones would take all the time.
    seeds.retain(|seed| seed.len() < 2000);
    assert!(seeds.len() > 50);
    for _ in 0..count(20_000) {
        let (seed, other) = (pick(&mut rng, &seeds), pick(&mut rng, &seeds));
        let mut bytes = seed.clone();
        for _ in 0..rng.between(1, 3) {
            bytes = match rng.one_in(4) {
                true => garble(&mut rng, &bytes, other),
                false => edited(&mut rng, &bytes, other),
            };
        }
        let n = bytes.len();
        if let Some(model) = tally.add(n, 4 * n + ERRORS, || Model::parse(&bytes)) {
            use_model(&model, n);
        }
    }
    assert!(tally.accepted > tally.inputs / 10 && tally.accepted < tally.inputs);
}

/// Files that are all of one small thing.
#[test]
fn parsing_allocates_at_most_four_times_the_file() {
    let many = |number: u32, content: &[u8]| {
        let one = Message::new().bytes(number, content).0;
        Message(one.repeat(300_000))
    };
    let mut names = node("Split", &["x"], &[]);
    for first in 0..=255u32 {
        for second in 0..100 {
            let name: String =
                [first + 256, second + 256].iter().filter_map(|&c| char::from_u32(c)).collect();
            names = names.bytes(2, name);
        }
    }
    let distinct = Message::new().with(11, value("x")).with(1, names).with(12, value("x"));
    let (_, peak) = fuzz::peak(|| Model::parse(&model(distinct.clone())).map(drop).unwrap());
    assert!(peak > 8 * 25_600, "{peak}");
    let graphs = [
        distinct,
        many(1, &[]),
        many(1, &node("R", &[], &["y"]).0),
        many(1, &node("R", &[], &[""]).0),
        many(5, &[]),
        many(5, &value("").bytes(8, "w").0),
        many(11, &value("x").0),
        many(12, &value("x").0),
        many(12, &[]),
        many(13, &[]),
        many(15, &[]),
        Message::new().with(11, value("x")).with(1, many(1, b"x")).with(12, value("x")),
        Message::new().with(11, value("x")).with(1, many(5, &[])).with(12, value("x")),
    ];
    let mut files: Vec<Vec<u8>> = graphs.into_iter().map(model).collect();
    files.push(many(7, &[]).0);
    files.push(many(8, &[]).0);
    files.push(many(14, &[]).0);
    let mut all = Tally::new("ONNX models of one thing");
    for file in files {
        let n = file.len();
        all.add(n, 4 * n + ERRORS, || Model::parse(&file).map(drop));
    }
}
