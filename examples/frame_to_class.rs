//! A camera's frame to a class in one submission: the texture is cropped, resized and normalized on the GPU into the
//! input of a digit CNN, and only ten probabilities come back, while the next frames are under way.
//!
//! `cargo run --release --example frame_to_class`

use std::collections::VecDeque;

use safetensors::SafeTensors;
use wgpool::engine::{Pending, Readback};
use wgpool::frame::{Crop, FrameChannels, FramePlan, FrameToTensor};
use wgpool::{Backend, Choice, Layout, Tensor};
use wgpool_net::{Session, keras};

const CONFIG: &str = include_str!("../data/mnist/config.json");
const WEIGHTS: &[u8] = include_bytes!("../data/mnist/weights.safetensors");
const DIGITS: &[u8] = include_bytes!("../data/mnist/test_digits.safetensors");

/// Frames under way at once.
const IN_FLIGHT: usize = 3;

/// The camera's size, and where in its frame the digit is held: twice as large as the network wants it.
const CAMERA: (usize, usize) = (160, 120);
const HELD: Crop = Crop { x: 61, y: 23, width: 56, height: 56 };

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let opened = Backend::open(&Choice::Gpu).or_else(|_| Backend::open(&Choice::Software))?;
    let Backend::Gpu(engine) = &opened.backend else { return Err("no adapter".into()) };
    let (device, queue) = (engine.device(), engine.queue());
    println!("on {}", engine.adapter_name());

    let model = keras::from_config(CONFIG, WEIGHTS)?;
    let session = Session::compile(&opened.backend, model.program(1)?)?;
    let (Some(input), Some(output)) = (session.input_buffer(), session.output_buffer()) else {
        return Err("the session is not one of a GPU".into());
    };

    // Dark ink on light paper, where the network learnt light on dark: (x - 1) * -1 turns it over.
    let spec = FrameToTensor::from_texture(CAMERA.0, CAMERA.1)
        .crop(HELD)
        .size(28, 28)
        .channels(FrameChannels::Luminance)
        .mean([1.0])
        .scale([-1.0])
        .layout(Layout::Nhwc);
    let plan = FramePlan::new(&spec, engine.caps())?;
    if plan.output() != session.input()? {
        return Err(format!("{:?} is not the network's {:?}", plan.output(), session.input()?).into());
    }
    let size = wgpu::Extent3d { width: CAMERA.0 as u32, height: CAMERA.1 as u32, depth_or_array_layers: 1 };
    let camera = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("camera"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let view = camera.create_view(&wgpu::TextureViewDescriptor::default());
    let to_tensor = engine.prepare_frame(&plan)?.bind_texture(&view, input.slice(..))?;
    let readback = Readback::new(engine, session.output()?, IN_FLIGHT)?;

    let digits = SafeTensors::deserialize(DIGITS)?;
    let (images, labels) = (digits.tensor("images")?.data(), digits.tensor("labels")?.data());
    let mut wrong = 0;
    let mut in_flight: VecDeque<(u8, Pending)> = VecDeque::new();
    for digit in 0..10u8 {
        let at = labels.iter().position(|&label| label == digit).ok_or("a digit is missing")?;
        // What stands in for the camera: the only bytes that the CPU sends.
        let frame = held_up(images.get(at * 784..(at + 1) * 784).ok_or("an image is missing")?);
        let rows = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(4 * size.width),
            rows_per_image: None,
        };
        queue.write_texture(camera.as_image_copy(), &frame, rows, size);

        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        to_tensor.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
        session.encode(&mut encoder)?;
        let recorded = readback.record(&mut encoder, output.slice(..))?;
        in_flight.push_back((digit, recorded.submitted(queue.submit([encoder.finish()]))));

        // What is there is taken; the loop waits only where every slot is under way.
        while let Some((digit, pending)) = in_flight.front_mut() {
            let Some(probabilities) = pending.try_read()? else { break };
            wrong += u32::from(!is_right(*digit, &probabilities)?);
            in_flight.pop_front();
        }
        if in_flight.len() == IN_FLIGHT {
            let (digit, pending) = in_flight.pop_front().ok_or("no frame is under way")?;
            wrong += u32::from(!is_right(digit, &pending.wait()?)?);
        }
    }
    for (digit, pending) in in_flight {
        wrong += u32::from(!is_right(digit, &pending.wait()?)?);
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(format!("{wrong} of 10 digits are seen as others").into()),
    }
}

/// Prints the class of the largest probability; whether it is the digit's.
fn is_right(digit: u8, probabilities: &Tensor) -> Result<bool, Box<dyn std::error::Error>> {
    let (class, probability) = (probabilities.as_f32()?.iter().enumerate())
        .max_by(|a, b| a.1.total_cmp(b.1))
        .ok_or("the network has no classes")?;
    let right = class == usize::from(digit);
    println!(
        "a {digit} is seen as {class} with probability {probability:.4}{}",
        if right { "" } else { ": wrong" }
    );
    Ok(right)
}

/// A frame in which a digit is held up: light paper with dark ink before a coloured room.
fn held_up(digit: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(CAMERA.0 * CAMERA.1 * 4);
    for y in 0..CAMERA.1 {
        for x in 0..CAMERA.0 {
            let inside =
                (HELD.x..HELD.x + HELD.width).contains(&x) && (HELD.y..HELD.y + HELD.height).contains(&y);
            let pixel = match inside {
                true => {
                    let ink = digit.get((y - HELD.y) / 2 * 28 + (x - HELD.x) / 2).copied().unwrap_or(0);
                    [255 - ink, 255 - ink, 255 - ink, 255]
                }
                false => [(x * 3 % 256) as u8, (y * 5 % 256) as u8, 90, 255],
            };
            frame.extend_from_slice(&pixel);
        }
    }
    frame
}
