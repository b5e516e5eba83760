//! Pooling of regions.

use wgpool::{DType, Data, Layout, MaxRoiPool, RoiAlign, RoiMode, Tensor, host};

use crate::cases::{Random, VALUES, agrees, layout, shape, tensor};

#[test]
fn regions() {
    let mut random = Random::new(20);
    for case in 0..300 {
        let layout = layout(&mut random);
        let (batch, channels) = (random.within(1, 2), random.pick(&[1, 3, 20]));
        let space = random.many(2, 1, 20);
        let x = tensor(&mut random, &shape(layout, batch, channels, &space), VALUES[case % 5], DType::F32);
        let regions = random.within(0, 4);
        let spatial_scale = random.pick(&[1.0, 0.5, 0.31]);
        let reach = if random.one_in(4) { 100.0 } else { 24.0 };
        let images: Vec<usize> = (0..regions).map(|_| random.within(0, batch - 1)).collect();
        let corners: Vec<[f32; 4]> =
            (0..regions).map(|_| [0; 4].map(|_| (random.float() + 0.5) * reach)).collect();
        let output = [random.within(1, 5), random.within(1, 5)];
        let align = RoiAlign {
            output,
            sampling_ratio: random.within(0, 3),
            spatial_scale,
            half_pixel: random.one_in(2),
            mode: random.pick(&[RoiMode::Average, RoiMode::Max]),
            layout,
        };
        let boxes = Tensor::from_f32(&[regions, 4], corners.concat()).expect("tensor");
        let numbers = Data::I32(images.iter().map(|&i| i as i32).collect());
        let numbers = Tensor::new(&[regions], numbers).expect("tensor");
        assert!(agrees(&align.into(), &[&x, &boxes, &numbers]));
        let numbered = images.iter().zip(&corners).flat_map(|(&i, c)| [i as f32, c[0], c[1], c[2], c[3]]);
        let boxes = Tensor::from_f32(&[regions, 5], numbered.collect()).expect("tensor");
        assert!(agrees(&MaxRoiPool { output, spatial_scale, layout }.into(), &[&x, &boxes]));
    }
}

/// Most of such a region's samples lie outside the image; they must not all be visited.
#[test]
fn a_region_far_larger_than_its_image() {
    let x = Tensor::from_f32(&[1, 1, 4, 4], (0..16).map(|v| v as f32).collect()).expect("tensor");
    let boxes = Tensor::from_f32(&[1, 4], vec![-1e6, -1e6, 1e6, 1e6]).expect("tensor");
    let numbers = Tensor::new(&[1], Data::I32(vec![0])).expect("tensor");
    for mode in [RoiMode::Average, RoiMode::Max] {
        for spatial_scale in [1.0, 1e30] {
            let align = RoiAlign {
                output: [2, 2],
                sampling_ratio: 0,
                spatial_scale,
                half_pixel: true,
                mode,
                layout: Layout::Nchw,
            };
            // It may be refused.
            if let Ok(y) = host::run(&align.into(), &[&x, &boxes, &numbers]) {
                assert!(y[0].as_f32().expect("f32").iter().all(|v| v.is_finite()));
            }
        }
    }
}
