//! Pictures in and out of operations, and a model's feature maps.

use image::{DynamicImage, ImageFormat};

use crate::cli::{Folder, mnist};
use crate::counting;

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

/// Pixels whose channels differ, 6 wide and 4 high.
fn colours() -> image::RgbImage {
    image::RgbImage::from_fn(6, 4, |x, y| image::Rgb([(x * 40) as u8, (y * 60) as u8, (x * y * 10) as u8]))
}

#[test]
fn a_photo_is_pooled_to_a_photo() {
    let folder = Folder::new();
    let photo = colours();
    folder.file("photo.png", &encoded(&photo.clone().into(), ImageFormat::Png));
    for adapter in ["host", "reference", "software"] {
        let said =
            folder.succeeds(&format!("op max-pool --window 2x2 photo.png -o out.png --adapter {adapter}"));
        assert!(said.contains("[1, 3, 4, 6]") && said.contains("[1, 3, 2, 3]"), "{said}");
        let pooled = image::load_from_memory(&folder.read("out.png")).expect("a PNG").into_rgb8();
        assert_eq!(pooled.dimensions(), (3, 2));
        for (x, y, pixel) in pooled.enumerate_pixels() {
            // Every channel grows with both coordinates.
            assert_eq!(pixel, photo.get_pixel(2 * x + 1, 2 * y + 1), "{x} {y}");
        }
    }
    // The same through the other memory order, and as numbers from 0 to 1.
    folder.succeeds("op max-pool --window 2 --layout nhwc photo.png -o last.png --adapter host");
    assert_eq!(folder.read("last.png"), folder.read("out.png"));
    folder.succeeds("op max-pool --window 2 --layout nhwc photo.png -o out.npy --adapter host");
    assert_eq!(folder.f32s("out.npy")[..3], [40.0 / 255.0, 60.0 / 255.0, 10.0 / 255.0]);
    // The name is not what tells a picture from an array.
    folder.file("photo", &folder.read("photo.png"));
    folder.succeeds("op max-pool --window 2 photo -o out.png --adapter host");
    assert_eq!(folder.read("last.png"), folder.read("out.png"));
}

#[test]
fn every_operation_of_one_image_writes_a_picture() {
    let folder = Folder::new();
    folder.file("p.png", &encoded(&colours().into(), ImageFormat::Png));
    folder.array("blur.npy", &[3, 1, 3, 3], &[1.0 / 9.0; 27]).array("k.npy", &[2, 2], &[0.25; 4]);
    folder.array("u.npy", &[1, 3, 2], &[0.5; 6]);
    for op in [
        "avg-pool --window 2 --stride 1",
        "lp-pool --window 2",
        "global-max-pool",
        "adaptive-avg-pool --output-size 2x3",
        "fractional-max-pool --samples u.npy --window 2 --output-size 2x3",
        "conv --kernel blur.npy --groups 3 --padding same",
        "conv-transpose --kernel blur.npy --groups 3 --stride 2",
        "conv --kernel k.npy --grey",
        "conv-pool --kernel blur.npy --groups 3 --pool max --pool-window 2",
        "activation relu",
        "softmax --axis 1",
    ] {
        for out in ["o.png", "o.jpg"] {
            let output = folder.run(&format!("op {op} p.png -o {out} --adapter host"));
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{op}: {stderr}");
            let picture = image::load_from_memory(&folder.read(out)).expect("a picture");
            let grey = op.contains("--grey");
            assert_eq!(picture.color().has_color(), !grey, "{op} {out}");
        }
    }
    // Bytes for bytes.
    folder.file("zero.npy", &crate::cli::npy_of("|u1", &[1], &[0]));
    folder.file("one.npy", &crate::cli::npy_of("|u1", &[1, 3, 1, 1], &[1, 0, 0]));
    let integer =
        "op conv-integer --kernel one.npy --input-zero zero.npy --kernel-zero zero.npy p.png -o o.npy";
    folder.succeeds(&format!("{integer} --adapter host"));
    assert_eq!(folder.i32s("o.npy")[..6], [0, 40, 80, 120, 160, 200]);
}

#[test]
fn jpeg_in_and_out() {
    let folder = Folder::new();
    // A plane of one colour comes through JPEG almost as it was.
    let plane = image::RgbImage::from_pixel(16, 16, image::Rgb([200, 100, 50]));
    folder.file("in.jpeg", &encoded(&plane.into(), ImageFormat::Jpeg));
    folder.succeeds("op avg-pool --window 2 in.jpeg -o out.jpg --adapter host");
    let bytes = folder.read("out.jpg");
    assert_eq!(image::guess_format(&bytes).expect("a format"), ImageFormat::Jpeg);
    let out = image::load_from_memory(&bytes).expect("a JPEG").into_rgb8();
    assert_eq!(out.dimensions(), (8, 8));
    assert!(out.pixels().all(|p| p.0.iter().zip([200u8, 100, 50]).all(|(a, b)| a.abs_diff(b) < 5)));
    // A camera that was held upright says so, and the picture is turned.
    let mut turned = image::RgbImage::from_pixel(32, 16, image::Rgb([0, 0, 0]));
    (0..16).for_each(|y| (0..16).for_each(|x| turned.put_pixel(x, y, image::Rgb([255; 3]))));
    let plain = encoded(&turned.into(), ImageFormat::Jpeg);
    let tag = [0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
    let exif = [&b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0"[..], &tag, &[0; 4]].concat();
    assert_eq!(exif.len(), 2 + 0x22);
    folder.file("turned.jpg", &[&plain[..2], &exif, &plain[2..]].concat());
    folder.succeeds("op max-pool --window 2 turned.jpg -o out.png --grey --adapter host");
    let out = image::load_from_memory(&folder.read("out.png")).expect("a PNG").into_luma8();
    assert_eq!((out.dimensions(), out.get_pixel(4, 0).0, out.get_pixel(4, 15).0), ((8, 16), [255], [0]));
    folder.file("cut.jpg", &folder.read("in.jpeg")[..30]);
    folder.fails("op avg-pool --window 2 cut.jpg -o out.png", "not a JPEG that can be read");
}

#[test]
fn sixteen_bits_stay_sixteen_bits() {
    let folder = Folder::new();
    let deep = image::ImageBuffer::<image::Rgb<u16>, _>::from_fn(4, 2, |x, y| {
        image::Rgb([1 + x as u16, 300 * y as u16 + 7, 65_535 - x as u16])
    });
    folder.file("in.png", &encoded(&deep.clone().into(), ImageFormat::Png));
    folder.succeeds("op max-pool --window 1 in.png -o out.png --adapter host");
    let out = image::load_from_memory(&folder.read("out.png")).expect("a PNG");
    assert_eq!(out, DynamicImage::ImageRgb16(deep));
    folder.succeeds("op max-pool --window 1 in.png --grey -o out.png --adapter host");
    let grey = image::load_from_memory(&folder.read("out.png")).expect("a PNG");
    // (19595 + 38470 * 7 + 7471 * 65535) / 65536, rounded.
    assert!(matches!(grey, DynamicImage::ImageLuma16(p) if p.get_pixel(0, 0).0 == [7475]));
}

#[test]
fn what_is_no_picture_is_said() {
    let folder = Folder::new();
    folder.array("many.npy", &[1, 8, 4, 4], &counting(128)).array("two.npy", &[2, 1, 2, 2], &counting(8));
    folder
        .array("wide.npy", &[1, 1, 1, 2], &[-1.0, 0.5])
        .file("p.png", &encoded(&colours().into(), ImageFormat::Png));
    folder.fails("op max-pool --window 2 many.npy -o out.png --adapter host", "1 to 4 channels");
    folder.fails("op max-pool --window 2 two.npy -o out.png --adapter host", "one image");
    folder.fails("op max-pool --window 2 p.png -o o.npy --indices at.png --adapter host", "at.png");
    folder.fails("op conv --kernel p.png p.png -o o.png --adapter host", "an array is needed");
    folder.fails("op max-pool --window 2 p.png -o out.gif --adapter host", ".png");
    folder.file("a.gif", b"GIF89a..").file("b", b"what is this");
    folder.fails("op max-pool --window 2 a.gif -o out.png", "only PNG and JPEG");
    folder.fails("op max-pool --window 2 b -o out.png", "neither NPY, safetensors, PNG nor JPEG");
    let output = folder.run("op max-pool --window 1 wide.npy -o out.png --adapter host");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 of 2 numbers lie outside 0 to 1"), "{said}");
}

#[test]
fn without_an_output_the_numbers_are_printed() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 4, 4], &counting(16)).array("large.npy", &[1, 1, 40, 40], &counting(1600));
    let said = folder.succeeds("op max-pool --window 2 in.npy --adapter host");
    assert!(
        said.contains("f32 [1, 1, 2, 2]") && said.ends_with("\n[[[[ 5,  7],\n   [13, 15]]]]\n"),
        "{said}"
    );
    folder.succeeds("op max-pool --window 2 in.npy --indices at.npy --adapter host");
    assert_eq!(folder.i32s("at.npy"), [5, 7, 13, 15]);
    let said = folder.succeeds("op activation relu large.npy --adapter host");
    assert!(said.contains("...") && said.lines().count() < 20, "{said}");
    assert_eq!(folder.names(), ["at.npy", "in.npy", "large.npy"]);
}

#[test]
fn maps_of_a_model_are_sheets() {
    let folder = Folder::new();
    let (config, weights) = (mnist("config.json"), mnist("weights.safetensors"));
    let ramp = image::GrayImage::from_fn(28, 28, |x, y| image::Luma([(x * 4 + y * 5) as u8]));
    folder.file("ramp.png", &encoded(&ramp.into(), ImageFormat::Png));
    for adapter in ["host", "software"] {
        let said = folder.succeeds(&format!(
            "maps {config} ramp.png --weights {weights} -o {adapter} --adapter {adapter}"
        ));
        assert!(said.contains("no maps") && said.contains("00_input.png"), "{said}");
        let mut names: Vec<_> = std::fs::read_dir(folder.0.join(adapter))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        assert_eq!(names[..3], ["00_input.png", "01_conv1.png", "02_pool1.png"], "{names:?}");
        for name in &names {
            let sheet = image::load_from_memory(&folder.read(&format!("{adapter}/{name}"))).expect("a PNG");
            assert!(!sheet.color().has_color(), "{name}");
            // Each map reaches from black to white, or is black where all its elements are equal.
            let grey = sheet.into_luma8();
            assert!(grey.pixels().any(|p| p.0 == [0]) && grey.pixels().any(|p| p.0 == [255]), "{name}");
        }
    }
    let input = image::load_from_memory(&folder.read("host/00_input.png")).expect("a PNG").into_luma8();
    // 28 elements of 7 pixels each between separators.
    assert_eq!(input.dimensions(), (28 * 7 + 4, 28 * 7 + 4));
    assert_eq!((input.get_pixel(2, 2).0, input.get_pixel(197, 197).0), ([0], [255]));
    folder.array("two.npy", &[2, 28, 28, 1], &counting(2 * 784));
    folder.fails(&format!("maps {config} two.npy --weights {weights} -o out --adapter host"), "one example");
}
