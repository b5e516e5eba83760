//! A kernel's HLSL, as wgpu's Direct3D 12 back end writes it (`wgpu-hal`, `src/dx12/device.rs`).

use naga::back::hlsl::{BindTarget, BindingMap, Options, PipelineOptions, ShaderModel, Writer};
use naga::{AddressSpace, ImageClass, ShaderStage, StorageAccess, TypeInner};

/// A text that naga has read and found valid.
pub struct Shader {
    module: naga::Module,
    info: naga::valid::ModuleInfo,
}

impl Shader {
    pub fn read(text: &str) -> Result<Shader, String> {
        let module = naga::front::wgsl::parse_str(text).map_err(|e| e.emit_to_string(text))?;
        let info = naga::valid::Validator::new(
            naga::valid::ValidationFlags::all(),
            naga::valid::Capabilities::all(),
        )
        .validate(&module)
        .map_err(|e| e.emit_to_string(text))?;
        Ok(Shader { module, info })
    }

    /// Its HLSL with these constants.
    pub fn write(&self, constants: &[(&str, f64)], shader_model: ShaderModel) -> Result<String, String> {
        let constants = constants.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        let entry_point = (ShaderStage::Compute, "main");
        let (module, info) = naga::back::pipeline_constants::process_overrides(
            &self.module,
            &self.info,
            Some(entry_point),
            &constants,
        )
        .map_err(|e| e.to_string())?;
        let (binding_map, special) = registers(&self.module);
        let options = Options {
            shader_model,
            binding_map,
            fake_missing_bindings: false,
            special_constants_binding: Some(special),
            zero_initialize_workgroup_memory: false,
            restrict_indexing: true,
            force_loop_bounding: true,
            ..Options::default()
        };
        let pipeline = PipelineOptions { entry_point: Some((entry_point.0, entry_point.1.to_owned())) };
        let mut text = String::new();
        Writer::new(&mut text, &options, &pipeline).write(&module, &info, None).map_err(|e| e.to_string())?;
        Ok(text)
    }
}

/// Registers of the bindings, which are counted up by their kind, and that of the number of workgroups, behind the
/// uniform buffers.
fn registers(module: &naga::Module) -> (BindingMap, BindTarget) {
    let mut variables: Vec<_> = module.global_variables.iter().map(|(_, variable)| variable).collect();
    variables.sort_by_key(|variable| variable.binding);
    let [mut constant, mut read, mut written] = [BindTarget::default(); 3];
    let mut map = BindingMap::default();
    for variable in variables {
        let Some(binding) = variable.binding else { continue };
        let next = match (variable.space, &module.types[variable.ty].inner) {
            (AddressSpace::Uniform, _) => &mut constant,
            (AddressSpace::Storage { access }, _) if access.contains(StorageAccess::STORE) => &mut written,
            (_, TypeInner::Image { class: ImageClass::Storage { .. }, .. }) => &mut written,
            _ => &mut read,
        };
        map.insert(binding, *next);
        next.register += 1;
    }
    (map, constant)
}
