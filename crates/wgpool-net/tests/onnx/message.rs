//! Messages written by hand.

use std::path::PathBuf;

/// A message, field by field.
#[derive(Clone, Debug, Default)]
pub struct Message(pub Vec<u8>);

pub fn varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 128 {
        to.push(value as u8 | 128);
        value >>= 7;
    }
    to.push(value as u8);
}

impl Message {
    pub fn new() -> Message {
        Message::default()
    }

    fn tag(&mut self, number: u32, wire: u32) {
        varint(u64::from(number << 3 | wire), &mut self.0);
    }

    pub fn int(mut self, number: u32, value: i64) -> Message {
        self.tag(number, 0);
        varint(value as u64, &mut self.0);
        self
    }

    /// A list of numbers, each a field of its own.
    pub fn ints(self, number: u32, values: &[i64]) -> Message {
        values.iter().fold(self, |message, &value| message.int(number, value))
    }

    pub fn packed(self, number: u32, values: &[i64]) -> Message {
        let mut bytes = Vec::new();
        values.iter().for_each(|&value| varint(value as u64, &mut bytes));
        self.bytes(number, bytes)
    }

    pub fn float(mut self, number: u32, value: f32) -> Message {
        self.tag(number, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn double(mut self, number: u32, value: f64) -> Message {
        self.tag(number, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, number: u32, bytes: impl AsRef<[u8]>) -> Message {
        self.tag(number, 2);
        varint(bytes.as_ref().len() as u64, &mut self.0);
        self.0.extend(bytes.as_ref());
        self
    }

    pub fn with(self, number: u32, message: Message) -> Message {
        self.bytes(number, message.0)
    }
}

/// A model of opset 17 with a graph.
pub fn model(graph: Message) -> Vec<u8> {
    Message::new().int(1, 8).with(8, Message::new().int(2, 17)).with(7, graph).0
}

pub fn value(name: &str) -> Message {
    Message::new().bytes(1, name)
}

pub fn node(op_type: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let node = inputs.iter().fold(Message::new(), |node, input| node.bytes(1, input));
    outputs.iter().fold(node, |node, output| node.bytes(2, output)).bytes(4, op_type)
}

/// A model whose only output is its initializer.
pub fn with_tensor(tensor: Message) -> Vec<u8> {
    model(Message::new().with(5, tensor.bytes(8, "t")).with(12, value("t")))
}

/// The folder of the test data.
pub fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx")
}

/// The models of a folder, by name.
pub fn models(folder: &str) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(data().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let models = entries.filter(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    let mut models: Vec<_> =
        models.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path)).collect();
    models.sort();
    models
}
