mod hlsl;
mod windows;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;
use hlsl::Shader;
use naga::back::hlsl::ShaderModel;
use wgpool::frame::FrameKernel;
use wgpool::kernel::{self, KernelKey};
use windows::{Compiler, Outcome};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let filter = &args[1];
    let every: usize = args[2].parse().unwrap();
    let keys: Vec<KernelKey> = kernel::all().into_iter().chain(FrameKernel::ALL.map(KernelKey::Frame)).collect();
    let dir = PathBuf::from("/tmp/c/hlsl");
    std::fs::create_dir_all(&dir).unwrap();
    let mut seen = HashSet::new();
    let mut names = vec!["REF".to_owned()];
    let mut files = vec![PathBuf::from("/work/shared/tools/compilers/fxc_repro/00005_Fnonumber.hlsl")];
    let mut count = 0;
    for key in keys {
        let name = key.to_string();
        if key.needs_f16() || name.starts_with("ConvTiled") || !filter.split(",").any(|f| name.starts_with(f)) { continue }
        let shader = Shader::read(&key.source()).unwrap();
        let text = shader.write(&key.overrides(), ShaderModel::V5_1).unwrap();
        if !seen.insert(text.clone()) { continue }
        count += 1;
        if count % every != 0 { continue }
        let file = dir.join(format!("{:04}_{}.hlsl", files.len(), name.split(|c: char| !c.is_alphanumeric()).next().unwrap()));
        std::fs::write(&file, text).unwrap();
        files.push(file); names.push(name);
    }
    eprintln!("{} files", files.len());
    let compiler = Compiler { program: "/tmp/c/windows.exe".into(), library: "/tmp/npm/node_modules/webgpu/dist/win32-x64/d3dcompiler_47.dll".into(), profile: "cs_5_1", limit: Duration::from_secs(args[3].parse().unwrap()), processes: 2 };
    let outcomes = compiler.compile(&files);
    let mut rows: Vec<_> = names.iter().zip(&files).zip(outcomes).map(|((n, f), o)| (match o { Outcome::Built { ms, .. } => ms, _ => 1e9 }, n, f, o)).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (ms, n, f, o) in rows { println!("{ms:8.0} {} {n} {}", f.file_name().unwrap().to_str().unwrap(), match o { Outcome::Built { bytes, .. } => format!("{bytes}"), o => format!("{o:?}") }) }
}
