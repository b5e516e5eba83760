//! What compilers of drivers and browsers need of the shaders, as far as it can be told without them;
//! `scripts/compilers.sh` runs the compilers themselves.

use std::collections::HashSet;

use naga::{AddressSpace, Expression, Handle, Module, Statement, TypeInner};
use wgpool::kernel::{self, ActivationKind, KernelKey, Target};
use wgpool::{Caps, Plan, Problem};
use wgpool_testing::verify::random::{Family, Rng};

/// The distinct texts, each with a kernel that has it.
fn texts() -> Vec<(KernelKey, String)> {
    let mut known = HashSet::new();
    let keys = kernel::all().into_iter().map(|key| (key, key.source()));
    keys.filter(|(_, text)| known.insert(text.clone())).collect()
}

fn parse(text: &str) -> Module {
    naga::front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{}", e.emit_to_string(text)))
}

/// naga refuses the line, and a browser's parser does not know subgroups without it.
#[test]
fn subgroups_are_enabled_for_browsers_alone() {
    let mut with_subgroups = 0;
    for (key, native) in texts() {
        let browser = key.source_for(Target::Browser);
        assert_eq!(key.source_for(Target::Native), native, "{key}");
        // No browser has cooperative matrices as wgpu has them.
        if native.contains("enable wgpu_cooperative_matrix;") {
            continue;
        }
        let uses = native.contains("subgroupBroadcast(") || native.contains("@builtin(subgroup_");
        with_subgroups += usize::from(uses);
        let line = if uses { "enable subgroups;\n" } else { "" };
        assert_eq!(browser, line.to_owned() + &native, "{key}");
    }
    assert!(with_subgroups > 0);
}

/// Whether a statement of `block` writes a vector's component whose number is no constant.
fn writes_by_number(module: &Module, function: &naga::Function, block: &naga::Block) -> bool {
    let within = |block: &naga::Block| writes_by_number(module, function, block);
    block.iter().any(|statement| match statement {
        Statement::Block(block) => within(block),
        Statement::If { accept, reject, .. } => within(accept) || within(reject),
        Statement::Switch { cases, .. } => cases.iter().any(|case| within(&case.body)),
        Statement::Loop { body, continuing, .. } => within(body) || within(continuing),
        Statement::Store { pointer, .. } => matches!(
            function.expressions[*pointer],
            Expression::Access { base, .. } if is_local_vector(module, function, base)
        ),
        _ => false,
    })
}

/// Whether it points to a vector in a variable of the function, or in a member of one.
fn is_local_vector(module: &Module, function: &naga::Function, pointer: Handle<Expression>) -> bool {
    let members = |ty: Handle<naga::Type>, index: u32| match &module.types[ty].inner {
        TypeInner::Struct { members, .. } => Some(members[index as usize].ty),
        _ => None,
    };
    fn of(
        function: &naga::Function,
        module: &Module,
        members: &dyn Fn(Handle<naga::Type>, u32) -> Option<Handle<naga::Type>>,
        pointer: Handle<Expression>,
    ) -> Option<Handle<naga::Type>> {
        match function.expressions[pointer] {
            Expression::LocalVariable(variable) => Some(function.local_variables[variable].ty),
            Expression::FunctionArgument(number) => {
                match module.types[function.arguments[number as usize].ty].inner {
                    TypeInner::Pointer { base, space: AddressSpace::Function } => Some(base),
                    _ => None,
                }
            }
            Expression::AccessIndex { base, index } => members(of(function, module, members, base)?, index),
            _ => None,
        }
    }
    let ty = of(function, module, &members, pointer);
    ty.is_some_and(|ty| matches!(module.types[ty].inner, TypeInner::Vector { .. }))
}

fn any_function_writes_by_number(module: &Module) -> bool {
    let entries = module.entry_points.iter().map(|entry| &entry.function);
    let mut all = module.functions.iter().map(|(_, function)| function).chain(entries);
    all.any(|function| writes_by_number(module, function, &function.body))
}

/// The kernels, of which those that differ in nothing but their activation are one; every activation is among them.
fn kernels() -> Vec<KernelKey> {
    let (mut known, mut activations) = (HashSet::new(), HashSet::new());
    let mut all = kernel::all();
    all.retain(|key| {
        let mut plain = *key;
        let is_new = match plain.activation_mut() {
            Some(activation) => activations.insert(std::mem::replace(activation, ActivationKind::None)),
            None => false,
        };
        known.insert(plain) || is_new
    });
    all
}

/// FXC unrolls the loops around such a write, one within another, which takes it minutes.
#[test]
fn no_component_of_a_vector_is_written_by_number() {
    let mut known = HashSet::new();
    for key in kernels() {
        let text = key.source();
        assert!(known.contains(&text) || !any_function_writes_by_number(&parse(&text)), "{key}");
        known.insert(text);
    }
}

#[test]
fn a_component_written_by_number_is_noticed() {
    let noticed = |line: &str| {
        let text = format!(
            "struct S {{ v: vec3<u32>, a: array<u32, 3>, }}
            fn f(p: ptr<function, S>, i: u32) {{ var s: S; var v: vec3<f32>; if (i < 3u) {{ {line} }} }}"
        );
        any_function_writes_by_number(&parse(&text))
    };
    assert!(noticed("v[i] = 1.0;"));
    assert!(noticed("for (var j = 0u; j < 3u; j++) { s.v[j] = j; }"));
    assert!(noticed("(*p).v[i] = 1u;"));
    assert!(!noticed("v.x = v[i];"));
    assert!(!noticed("s.a[i] = 1u;"));
}

/// Plans for Direct3D 12 without DXC, on hardware and in software.
#[test]
fn plans_for_fxc_have_no_other_kernels() {
    let mut rng = Rng::new(12);
    for software in [false, true] {
        let mut caps = Caps::default();
        (caps.fxc, caps.software) = (true, software);
        for family in Family::ALL {
            for _ in 0..100 {
                let case = family.case(&mut rng, false);
                let descs: Vec<_> = case.inputs.iter().map(|tensor| tensor.desc()).collect();
                let problem = Problem::new(&case.op, &descs).unwrap();
                let plan = Plan::of(problem, &caps).unwrap();
                for step in &plan.steps {
                    assert!(step.kernel.suits_fxc(), "{:?}: {}", case.op, step.kernel);
                }
            }
        }
    }
}
