//! Every shader is valid, and its parameters lie where the host writes them.

use std::collections::HashMap;
use std::sync::LazyLock;

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use wgpool::DType;
use wgpool::kernel::{self, ConvGeometry, Field, KernelKey, PoolGeometry, RoiAlign, Softmax, SoftmaxParams};

/// A kernel's module with the types of its expressions.
struct Read {
    module: naga::Module,
    info: ModuleInfo,
}

/// A kernel's module; many kernels share a text, so each text is read once. All are read by several threads at first.
fn read(key: KernelKey) -> &'static Read {
    static KNOWN: LazyLock<HashMap<String, Read>> = LazyLock::new(|| {
        let texts: HashMap<String, KernelKey> =
            kernel::all().into_iter().map(|key| (key.source(), key)).collect();
        let texts: Vec<_> = texts.into_iter().collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let parts = texts.chunks(texts.len().div_ceil(threads));
            let parts = parts.map(|part| {
                scope.spawn(move || {
                    part.iter().map(|(text, key)| (text.clone(), parsed(*key, text))).collect::<Vec<_>>()
                })
            });
            let parts: Vec<_> = parts.collect();
            parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
        })
    });
    &KNOWN[&key.source()]
}

fn parsed(key: KernelKey, text: &str) -> Read {
    let module =
        naga::front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{key}: {}", e.emit_to_string(text)));
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .unwrap_or_else(|e| panic!("{key}: {}", e.emit_to_string(text)));
    Read { module, info }
}

/// The host's fields, where those of a block within the block stand for it.
fn members_of(fields: &[Field], begin: usize) -> Vec<(String, usize, usize)> {
    let members = |&(name, offset, size): &Field| match name {
        "convolution" => members_of(ConvGeometry::BLOCK.fields, begin + offset),
        "pooling" => members_of(PoolGeometry::BLOCK.fields, begin + offset),
        _ => vec![(name.to_owned(), begin + offset, size)],
    };
    fields.iter().flat_map(members).collect()
}

/// Why the host's fields are not the shader's, if they are not.
fn layout_difference(key: KernelKey, name: &str, fields: &[Field], size: usize) -> Option<String> {
    let module = &read(key).module;
    let (_, ty) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name)).unwrap();
    let naga::TypeInner::Struct { members, span } = &ty.inner else { panic!("{name} is no structure") };
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx()).unwrap();
    let shader: Vec<(String, usize, usize)> = (members.iter())
        .map(|m| (m.name.clone().unwrap(), m.offset as usize, layouter[m.ty].size as usize))
        .collect();
    let host = members_of(fields, 0);
    (shader != host || *span as usize != size)
        .then(|| format!("{key}: shader {shader:?} of {span} bytes, host {host:?} of {size}"))
}

#[test]
fn parameters_lie_where_the_host_writes_them() {
    for key in kernel::all() {
        let block = key.block();
        assert_eq!(layout_difference(key, block.name, block.fields, block.size), None);
    }
}

#[test]
fn a_moved_parameter_is_noticed() {
    let key = KernelKey::from(Softmax { dtype: DType::F32 });
    let mut moved = SoftmaxParams::BLOCK.fields.to_vec();
    moved.swap(0, 1);
    assert!(layout_difference(key, "SoftmaxParams", &moved, 32).is_some());
    let mut longer = SoftmaxParams::BLOCK.fields.to_vec();
    longer[3].2 = 8;
    assert!(layout_difference(key, "SoftmaxParams", &longer, 32).is_some());
}

#[test]
fn every_shader_is_valid_and_declares_its_overrides() {
    for key in kernel::all() {
        let module = &read(key).module;
        let declared: Vec<&str> = module.overrides.iter().filter_map(|(_, o)| o.name.as_deref()).collect();
        for (name, _) in key.overrides() {
            assert!(declared.contains(&name), "{key} sets {name}, declared are {declared:?}");
        }
        assert_eq!(declared.len(), key.overrides().len(), "{key} declares {declared:?}");
    }
}

#[test]
fn bindings_are_those_the_shader_declares() {
    for key in kernel::all() {
        let module = &read(key).module;
        let bindings = key.bindings();
        let (mut reads, mut writes, mut pages) = (0, 0, 0);
        for (_, variable) in module.global_variables.iter() {
            let binding = variable.binding.map_or(0, |b| b.binding);
            if variable.space == naga::AddressSpace::Uniform && binding > 0 {
                pages += 1;
                assert!(binding <= bindings.pages, "{key}: binding {binding} is a page");
                let size = module.types[variable.ty].inner.size(module.to_ctx());
                assert_eq!(u64::from(size), wgpool::plan::PAGE, "{key}: binding {binding}");
            }
            if let naga::AddressSpace::Storage { access } = variable.space {
                if access.contains(naga::StorageAccess::STORE) {
                    writes += 1;
                    assert!(binding > bindings.pages + bindings.reads, "{key}: binding {binding} is written");
                } else {
                    reads += 1;
                    let of_reads = bindings.pages + 1..=bindings.pages + bindings.reads;
                    // PReLU's slope and the residual come after what is written.
                    let last = bindings.pages + bindings.buffers();
                    let behind = last - bindings.slopes - bindings.residuals + 1..=last;
                    assert!(
                        behind.contains(&binding) || of_reads.contains(&binding),
                        "{key}: binding {binding} is read"
                    );
                }
            }
        }
        assert_eq!(
            (pages, reads, writes),
            (bindings.pages, bindings.reads + bindings.slopes + bindings.residuals, bindings.writes),
            "{key}"
        );
    }
}

/// Whether `is` holds for a statement, one in its blocks, or one of the functions that it calls.
fn any(module: &naga::Module, statement: &naga::Statement, is: fn(&naga::Statement) -> bool) -> bool {
    let within = |block: &naga::Block| block.iter().any(|s| any(module, s, is));
    let inner = match statement {
        naga::Statement::Block(block) => within(block),
        naga::Statement::If { accept, reject, .. } => within(accept) || within(reject),
        naga::Statement::Switch { cases, .. } => cases.iter().any(|case| within(&case.body)),
        naga::Statement::Loop { body, continuing, .. } => within(body) || within(continuing),
        naga::Statement::Call { function, .. } => {
            // What a function returns from is the function.
            !is(&naga::Statement::Return { value: None }) && within(&module.functions[*function].body)
        }
        _ => false,
    };
    inner || is(statement)
}

/// Compilers refuse a barrier behind a return that they take for different in each invocation.
#[test]
fn no_invocation_returns_before_a_barrier() {
    let mut with_barriers = 0;
    for key in kernel::all() {
        let module = &read(key).module;
        let body = &module.entry_points[0].function.body;
        let barrier =
            |s: &&naga::Statement| any(module, s, |s| matches!(s, naga::Statement::ControlBarrier(_)));
        let Some(last) = body.iter().rposition(|s| barrier(&s)) else { continue };
        with_barriers += 1;
        let returns = |s| any(module, s, |s| matches!(s, naga::Statement::Return { .. }));
        assert!(!body.iter().take(last + 1).any(returns), "{key}");
    }
    assert!(with_barriers > 0);
}

#[test]
fn no_shader_looks_for_an_exponent_of_ones() {
    for key in kernel::all() {
        assert!(!key.source().contains("0x7f800000u) =="), "{key}");
    }
}

/// The functions that take remainders of signed integers.
fn signed_remainders(read: &Read) -> Vec<&str> {
    let of = |function: &naga::Function, info: &naga::valid::FunctionInfo| {
        function.expressions.iter().any(|(handle, expression)| {
            matches!(expression, naga::Expression::Binary { op: naga::BinaryOperator::Modulo, .. })
                && info[handle].ty.inner_with(&read.module.types).scalar_kind()
                    == Some(naga::ScalarKind::Sint)
        })
    };
    let functions = read.module.functions.iter().map(|(handle, f)| (f, &read.info[handle]));
    let entries = read.module.entry_points.iter().enumerate();
    let all = functions.chain(entries.map(|(i, entry)| (&entry.function, read.info.get_entry_point(i))));
    all.filter(|&(f, info)| of(f, info)).map(|(f, _)| f.name.as_deref().unwrap_or("main")).collect()
}

/// OpenGL leaves the remainder of a negative number undefined.
#[test]
fn no_shader_takes_remainders_of_signed_integers() {
    for key in kernel::all() {
        assert_eq!(signed_remainders(read(key)), Vec::<&str>::new(), "{key}");
    }
    let source = "fn wrap(i: i32) -> i32 { return i % 3; } fn count(i: u32) -> u32 { return i % 3u; }";
    let module = naga::front::wgsl::parse_str(source).unwrap();
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).unwrap();
    assert_eq!(signed_remainders(&Read { module, info }), ["wrap"]);
}

#[test]
fn the_bound_on_samples_is_that_of_the_checks() {
    let bound = format!("const MOST_SAMPLES: u32 = {}u;", wgpool::problem::MOST_SAMPLES);
    assert!(KernelKey::from(RoiAlign { dtype: DType::F32 }).source().contains(&bound));
}
