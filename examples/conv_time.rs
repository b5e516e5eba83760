use std::time::Instant;
use wgpool::*;
fn main() -> Result<()> {
    let mut cases: Vec<(&str, Op, Vec<Vec<usize>>)> = vec![];
    let pad = |n: usize| Padding::symmetric([n]);
    let mut c = |name, conv: Conv, x: [usize; 4], w: [usize; 4]| {
        cases.push((name, conv.activation(Activation::Relu).into(), vec![x.to_vec(), w.to_vec(), vec![w[0]]]))
    };
    c("C1", Conv::new().stride([2]).padding(pad(3)), [1, 3, 224, 224], [64, 3, 7, 7]);
    c("C2", Conv::new().padding(pad(1)), [1, 64, 56, 56], [64, 64, 3, 3]);
    c("C3", Conv::new(), [1, 256, 56, 56], [64, 256, 1, 1]);
    c("C4", Conv::new().padding(pad(1)), [1, 256, 14, 14], [256, 256, 3, 3]);
    c("C5", Conv::new().padding(pad(1)).groups(144), [1, 144, 56, 56], [144, 1, 3, 3]);
    c("C6", Conv::new().padding(Padding::SameUpper), [16, 32, 10, 10], [64, 32, 5, 5]);
    c("C7", Conv::new(), [1, 3, 224, 224], [10, 3, 3, 3]);
    c("C8", Conv::new().padding(pad(1)), [1, 64, 224, 224], [64, 64, 3, 3]);
    let f1 =
        ConvPool { conv: Conv::new().padding(pad(1)).activation(Activation::Relu), pool: Pool::max([2]) };
    cases.push(("F1", f1.into(), vec![vec![1, 64, 112, 112], vec![64, 64, 3, 3], vec![64]]));
    let f2 = ConvPool { conv: Conv::new().activation(Activation::Relu), pool: Pool::max([2]) };
    cases.push(("F2", f2.into(), vec![vec![1, 3, 224, 224], vec![10, 3, 3, 3], vec![10]]));
    let Backend::Gpu(engine) = Backend::open(&Choice::Software)?.backend else { panic!() };
    println!("{} {:?}", engine.adapter_name(), engine.caps());
    let only = std::env::args().nth(1);
    let check = std::env::args().nth(2).is_some();
    for (name, op, shapes) in cases {
        if only.as_ref().is_some_and(|o| !o.split(',').any(|p| p == name)) {
            continue;
        }
        let tensors: Vec<Tensor> = shapes
            .iter()
            .map(|s| {
                let n = s.iter().product::<usize>();
                Tensor::from_f32(s, (0..n).map(|i| ((i * 37 + i / 11) % 201) as f32 / 100.0 - 1.0).collect())
                    .unwrap()
            })
            .collect();
        let descs: Vec<TensorDesc> = tensors.iter().map(|t| t.desc()).collect();
        let plan = engine.plan(&op, &descs)?;
        let ins = tensors.iter().map(|t| engine.upload("t", t)).collect::<Result<Vec<_>>>()?;
        let out = engine.tensor_buffer("t", plan.problem.outputs[0].buffer_size())?;
        let t0 = Instant::now();
        let binding = engine
            .prepare(&plan)?
            .bind(&ins.iter().map(|b| b.slice(..)).collect::<Vec<_>>(), &[out.slice(..)])?;
        let go = |n: usize, w: bool| {
            let mut e = engine.device().create_command_encoder(&Default::default());
            {
                let mut p = e.begin_compute_pass(&Default::default());
                if w {
                    binding.encode_weights(&mut p);
                }
                for _ in 0..n {
                    binding.encode_data(&mut p);
                }
            }
            engine.queue().submit([e.finish()]);
            engine.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
        };
        go(1, true);
        let first = t0.elapsed().as_secs_f64() * 1e3;
        let t = Instant::now();
        go(1, false);
        let once = t.elapsed().as_secs_f64();
        let n = ((0.25 / once) as usize).clamp(1, 100);
        let mut times: Vec<f64> = (0..5)
            .map(|_| {
                let t = Instant::now();
                go(n, false);
                t.elapsed().as_secs_f64() / n as f64 * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let mut kernels: Vec<String> = plan.steps.iter().map(|s| format!("{}", s.kernel)).collect();
        let total = kernels.len();
        kernels.dedup();
        println!(
            "{name} median {:8.3} min {:8.3} ms  first {first:6.0}  {total} steps {}",
            times[2],
            times[0],
            kernels.iter().map(|k| k.chars().take(120).collect::<String>()).collect::<Vec<_>>().join(" | ")
        );
        if check {
            let refs: Vec<&Tensor> = tensors.iter().collect();
            let got = engine.run(&op, &refs)?;
            let exact = reference::evaluate(&plan.problem, &refs)?;
            println!("   {:?}", reference::compare(&exact[0], &got[0])?);
        }
    }
    Ok(())
}
