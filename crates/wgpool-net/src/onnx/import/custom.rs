//! Nodes of the app's own operators.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::items::{Import, Item, stored};
use crate::custom::{self, Attribute, Operator, Operators};
use crate::onnx::fold::HostTensor;
use crate::onnx::messages;
use crate::onnx::refused::quoted;
use crate::onnx::values::to_tensor;
use crate::onnx::{ElementType, Model, Node};
use wgpool::error::{Refusal, Result};
use wgpool::tensor::{DType, Tensor};

/// The operators, and what the file says of the values that they make.
pub(super) struct Customs<'a, 'o> {
    operators: &'o Operators,
    declared: HashMap<&'a str, ElementType>,
    versions: HashMap<&'a str, i64>,
}

impl<'a, 'o> Customs<'a, 'o> {
    pub fn of(model: &Model<'a>, operators: &'o Operators) -> Result<Customs<'a, 'o>> {
        let mut customs =
            Customs { operators, declared: HashMap::new(), versions: model.imports().collect() };
        // What other nodes make is not looked up.
        let makes: Vec<&str> = (model.graph().nodes())
            .filter(|node| customs.find(node).is_some())
            .flat_map(|node| node.outputs())
            .collect();
        if !makes.is_empty() {
            let makes: std::collections::HashSet<&str> = makes.into_iter().collect();
            let graph = model.graph();
            for value in graph.value_infos().chain(graph.outputs()) {
                if makes.contains(value.name())
                    && let Some(elements) = value.tensor_type()?.elements
                {
                    customs.declared.insert(value.name(), elements);
                }
            }
        }
        Ok(customs)
    }

    /// The app's operator of a node.
    pub fn find(&self, node: &Node<'_>) -> Option<&'o Arc<dyn Operator>> {
        self.operators.get(node.domain(), node.op_type())
    }

    /// Adds the node's step. Nothing is computed here, whatever is known.
    pub fn lower(&self, import: &mut Import<'a>, node: Node<'a>, operator: &Arc<dyn Operator>) -> Result<()> {
        let (mut given, mut values, mut types) = (Vec::new(), Vec::new(), Vec::new());
        for name in node.inputs() {
            let item = import.items.get(name).cloned();
            given.push(item.is_some());
            if let Some(item) = item {
                types.push(item.element_type());
                values.push(import.value(&item, &node.label())?);
            }
        }
        let names: Vec<&'a str> = node.outputs().collect();
        let of = custom::Node {
            domain: node.domain().to_owned(),
            operator: node.op_type().to_owned(),
            version: self.versions.get(node.domain()).copied(),
            attributes: attributes(&node)?,
            given,
            outputs: names.len(),
        };
        let made = import.graph.at(node.title()).custom_of(operator.clone(), of, &values)?;
        for (name, value) in names.into_iter().zip(made).filter(|(name, _)| !name.is_empty()) {
            let dtype = import.graph.desc(value)?.dtype;
            let elements = match self.declared.get(name) {
                Some(&declared) if stored(declared) == Some(dtype) => declared,
                Some(declared) => {
                    let reason =
                        format!("its output {} is declared {declared}, but it makes {dtype}", quoted(name));
                    return Err(node.refused(Refusal::Type, reason));
                }
                None => undeclared(dtype, &types),
            };
            import.items.insert(name, Item::Run(value, elements));
        }
        Ok(())
    }
}

/// The type of a value of which the file says none: that of an input which is stored alike, or else the one that other operators take.
fn undeclared(dtype: DType, inputs: &[ElementType]) -> ElementType {
    let usual = match dtype {
        DType::F16 => ElementType::F16,
        DType::BF16 => ElementType::BF16,
        DType::I32 => ElementType::I64,
        DType::U8 => ElementType::U8,
        DType::I8 => ElementType::I8,
        _ => ElementType::F32,
    };
    let alike = inputs.iter().copied().find(|&ty| ty != ElementType::Bool && stored(ty) == Some(dtype));
    alike.unwrap_or(usual)
}

/// The attributes of a node.
fn attributes(node: &Node<'_>) -> Result<BTreeMap<String, Attribute>> {
    let mut all = BTreeMap::new();
    for attribute in node.attributes() {
        let name = attribute.name();
        let refuse = |reason: String| {
            Err(node.refused(Refusal::Unsupported, format!("attribute {}: {reason}", quoted(name))))
        };
        if !attribute.reference().is_empty() {
            return refuse(format!("it is that of a function, {}", quoted(attribute.reference())));
        }
        let value = match attribute.type_name() {
            "int" => Attribute::Int(attribute.int().unwrap_or_default()),
            "float" => Attribute::Float(attribute.float().unwrap_or_default()),
            "string" => Attribute::Text(attribute.text().unwrap_or_default().to_vec()),
            "ints" => Attribute::Ints(attribute.ints().collect()),
            "floats" => Attribute::Floats(attribute.floats().collect()),
            "strings" => Attribute::Texts(attribute.texts().map(<[u8]>::to_vec).collect()),
            "tensor" => match attribute.tensor() {
                Some(of) => Attribute::Tensor(tensor(node, name, &of)?),
                None => return refuse("it has no tensor".into()),
            },
            "tensors" => {
                let each = attribute.tensors().map(|of| tensor(node, name, &of));
                Attribute::Tensors(each.collect::<Result<_>>()?)
            }
            other => return refuse(format!("operators of the app get none of the type {other}")),
        };
        all.insert(name.to_owned(), value);
    }
    Ok(all)
}

fn tensor(node: &Node<'_>, name: &str, of: &messages::Tensor<'_>) -> Result<Arc<Tensor>> {
    let host = HostTensor::of(of)?;
    let Some(dtype) = stored(host.elements()) else {
        let reason = format!(
            "attribute {}: tensors of the type {} are not computed with",
            quoted(name),
            host.elements()
        );
        return Err(node.refused(Refusal::Unsupported, reason));
    };
    to_tensor(&host, dtype, &node.label()).map(Arc::new)
}
