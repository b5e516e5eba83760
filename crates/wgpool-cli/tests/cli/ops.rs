//! Operations on files.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::cli::{Folder, elements, header, npy_of};
use crate::counting;

/// Where operations are tried: both paths without a GPU, and the GPU path on whatever software adapter there is.
const ADAPTERS: [&str; 3] = ["host", "reference", "software"];

#[test]
fn pooling_and_its_positions() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 4, 4], &counting(16));
    for adapter in ADAPTERS {
        let said = folder.succeeds(&format!(
            "op max-pool --window 2x2 --stride 2 in.npy -o out.npy --indices at.npy --adapter {adapter}"
        ));
        assert!(said.contains("[1, 1, 4, 4]") && said.contains("[1, 1, 2, 2]"), "{said}");
        assert_eq!(folder.f32s("out.npy"), [5.0, 7.0, 13.0, 15.0]);
        assert_eq!(
            header(&folder.read("out.npy")),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 2)}"
        );
        assert_eq!(folder.i32s("at.npy"), [5, 7, 13, 15]);
        folder.succeeds(&format!(
            "op max-pool --window 2 in.npy -o out.npy --indices at.npy --index-numbering whole-column --adapter {adapter}"
        ));
        assert_eq!(folder.i32s("at.npy"), [5, 13, 7, 15]);
        folder.succeeds(&format!(
            "op avg-pool --window 3 --stride 2 --padding 1 --count-include-pad in.npy -o out.npy --adapter {adapter}"
        ));
        let ninths: Vec<f32> = folder.f32s("out.npy").iter().map(|v| (v * 9.0).round()).collect();
        assert_eq!(ninths, [10.0, 24.0, 51.0, 90.0], "{adapter}");
        folder.succeeds(&format!("op lp-pool --p 1 --window 1x4 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [6.0, 22.0, 38.0, 54.0]);
        folder.succeeds(&format!("op global-max-pool in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [15.0]);
        folder.succeeds(&format!("op global-avg-pool --layout nhwc in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [6.0, 7.0, 8.0, 9.0]);
    }
}

#[test]
fn convolution_dense_softmax_and_activation() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 3, 3], &counting(9)).array("k.npy", &[1, 1, 2, 2], &[1., 0., 0., 1.]);
    folder.array("b.npy", &[1], &[-10.0]).array("v.npy", &[1, 2], &[1.0, 2.0]);
    folder.array("w.npy", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op conv --kernel k.npy --bias b.npy --activation relu in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [0.0, 0.0, 0.0, 2.0]);
        folder.succeeds(&format!(
            "op conv --kernel k.npy --padding 0x0:1x1 in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [4.0, 6.0, 2.0, 10.0, 12.0, 5.0, 6.0, 7.0, 8.0]);
        folder.succeeds(&format!("op dense --kernel w.npy v.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [7.0, 10.0]);
        folder.succeeds(&format!(
            "op dense --kernel w.npy --kernel-layout out-in v.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [5.0, 11.0]);
        folder.succeeds(&format!("op softmax --axis 0 v.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [1.0, 1.0]);
        folder.succeeds(&format!("op activation relu6 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 6.0]);
        folder
            .succeeds(&format!("op activation hard-sigmoid:0.25,-0.5 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [0.0, 0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
    }
    folder.array("n.npy", &[1, 2, 2], &[-1.0, 2.0, -3.0, -4.0]).array("s.npy", &[2, 1], &[0.5, -2.0]);
    folder.array("one.npy", &[1], &[0.25]).array("minus.npy", &[1, 1, 1, 1], &[-1.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!("op activation prelu --slope s.npy n.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [-0.5, 2.0, 6.0, 8.0]);
        folder.succeeds(&format!(
            "op conv --kernel minus.npy --bias one.npy --activation prelu --slope one.npy in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy")[..3], [0.25, -0.1875, -0.4375]);
        // Less the image itself, to which the image is added.
        folder.succeeds(&format!(
            "op conv --kernel minus.npy --bias one.npy --residual in.npy in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [0.25; 9]);
    }
    folder.fails(
        "op conv-pool --kernel minus.npy --residual in.npy --pool max --pool-window 3 in.npy -o out.npy",
        "it is added by a convolution alone",
    );
    for wrong in [
        "op activation prelu n.npy -o out.npy",
        "op activation relu --slope s.npy n.npy -o out.npy",
        "op conv --kernel minus.npy --slope one.npy in.npy -o out.npy",
        "op dense --kernel w.npy --bias one.npy --activation prelu v.npy -o out.npy",
    ] {
        folder.fails(wrong, "--slope belongs to prelu");
    }
    folder.fails(
        "op activation elu:steep in.npy -o out.npy",
        "the numbers that elu takes behind a colon are 1",
    );
}

#[test]
fn building_pipelines_and_computing_are_told_apart() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 64, 64], &counting(4096));
    let said = folder.succeeds("op max-pool --window 2 in.npy -o out.npy --adapter software");
    assert!(said.contains(" in ") && said.contains(" of building pipelines, on "), "{said}");
    let said = folder.succeeds("op max-pool --window 2 in.npy -o out.npy --adapter host");
    assert!(!said.contains("pipelines"), "{said}");
}

#[test]
fn lp_pooling_of_both_kinds() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 2, 2], &[-3.0, 1.0, 1.0, 4.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!("op lp-pool -p 1 --window 2 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [9.0]);
        folder.succeeds(&format!("op lp-pool -p 1 --torch --window 2 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [3.0]);
        folder.succeeds(&format!("op global-lp-pool --p 1 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [9.0]);
        folder.succeeds(&format!("op global-lp-pool --p 1 --torch in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [3.0]);
    }
}

#[test]
fn adaptive_and_fractional_pooling_and_back() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 5, 4], &counting(20)).array("u.npy", &[1, 1, 2], &[0.0, 0.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op adaptive-max-pool --output-size 2x3 in.npy -o out.npy --indices at.npy --adapter {adapter}"
        ));
        // Rows 0..3 and 2..5; columns 0..2, 1..3 and 2..4.
        assert_eq!(folder.f32s("out.npy"), [9.0, 10.0, 11.0, 17.0, 18.0, 19.0]);
        assert_eq!(folder.i32s("at.npy"), [9, 10, 11, 17, 18, 19]);
        folder.succeeds(&format!(
            "op max-unpool --indices at.npy --output-size 5x4 out.npy -o back.npy --adapter {adapter}"
        ));
        let kept = |v: usize| if [9, 10, 11, 17, 18, 19].contains(&v) { v as f32 } else { 0.0 };
        assert_eq!(folder.f32s("back.npy"), (0..20).map(kept).collect::<Vec<f32>>());
        folder
            .succeeds(&format!("op adaptive-avg-pool --output-size 1 in.npy -o out.npy --adapter {adapter}"));
        assert_eq!(folder.f32s("out.npy"), [9.5]);
        folder.succeeds(&format!(
            "op fractional-max-pool --samples u.npy --window 2 --output-size 2 in.npy -o out.npy \
             --indices at.npy --adapter {adapter}"
        ));
        // Windows start at 0 and at the last place, 3 of rows and 2 of columns.
        assert_eq!(folder.f32s("out.npy"), [5.0, 7.0, 17.0, 19.0]);
        assert_eq!(folder.i32s("at.npy"), [5, 7, 17, 19]);
    }
}

#[test]
fn unpooling_finds_its_size_and_counts_as_pooling_did() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 2, 4, 4], &counting(32)).array("last.npy", &[1, 4, 4, 2], &counting(32));
    for adapter in ADAPTERS {
        for numbering in ["plane", "whole", "whole-column"] {
            folder.succeeds(&format!(
                "op max-pool --window 2 in.npy -o small.npy --indices at.npy --index-numbering {numbering} \
                 --adapter {adapter}"
            ));
            folder.succeeds(&format!(
                "op max-unpool --indices at.npy --index-numbering {numbering} --window 2 small.npy -o back.npy \
                 --adapter {adapter}"
            ));
            let back = folder.f32s("back.npy");
            let kept = |v: usize| if v % 2 == 1 && v / 4 % 2 == 1 { v as f32 } else { 0.0 };
            assert_eq!(back, (0..32).map(kept).collect::<Vec<f32>>(), "{numbering} {adapter}");
        }
        folder.succeeds(&format!(
            "op max-pool --layout nhwc --window 3 --stride 1 last.npy -o small.npy --indices at.npy --adapter {adapter}"
        ));
        folder.succeeds(&format!(
            "op max-unpool --layout nhwc --indices at.npy --window 3 --stride 1 small.npy -o back.npy --adapter {adapter}"
        ));
        let back = folder.f32s("back.npy");
        assert_eq!(back.len(), 32);
        assert!(back[..20].iter().all(|&v| v == 0.0) && back[31] == 31.0, "{back:?}");
    }
}

#[test]
fn regions() {
    let folder = Folder::new();
    folder.array("in.npy", &[2, 1, 4, 4], &counting(32)).numbers("images.npy", &[2], &[1, 0]);
    folder.array("boxes.npy", &[2, 4], &[0.0, 0.0, 4.0, 4.0, 0.0, 0.0, 2.0, 2.0]);
    folder.array("rois.npy", &[2, 5], &[1.0, 0.0, 0.0, 3.0, 3.0, 0.0, 0.0, 0.0, 2.0, 2.0]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op roi-align --regions boxes.npy --images images.npy --output-size 2 --sampling-ratio 2 --half-pixel \
             in.npy -o out.npy --adapter {adapter}"
        ));
        // Means of the pixels of each quarter; the second region reaches half a pixel out, where the edge counts on.
        assert_eq!(folder.f32s("out.npy"), [18.5, 20.5, 26.5, 28.5, 0.625, 1.5, 4.125, 5.0], "{adapter}");
        folder.succeeds(&format!(
            "op max-roi-pool --regions rois.npy --output-size 2x1 in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [23.0, 31.0, 6.0, 10.0], "{adapter}");
        folder.succeeds(&format!(
            "op roi-align --mode max --spatial-scale 0.5 --regions boxes.npy --images images.npy --output-size 1x2 \
             in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy").len(), 4);
    }
}

#[test]
fn transposed_convolution_and_convolution_with_pooling() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]).array(
        "k.npy",
        &[1, 1, 2, 2],
        &[1., 0., 0., 1.],
    );
    folder.array("big.npy", &[1, 1, 4, 4], &counting(16)).array("b.npy", &[1], &[1.0]);
    folder.array("one.npy", &[1, 1, 1, 1], &[7.0]).numbers("at.npy", &[1, 1, 1, 1], &[4]);
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op conv-transpose --kernel k.npy --bias b.npy in.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [2.0, 3.0, 1.0, 4.0, 6.0, 3.0, 1.0, 4.0, 5.0]);
        folder.succeeds(&format!(
            "op conv-transpose --kernel k.npy --stride 2 --padding 1 --output-padding 1x0 in.npy -o out.npy \
             --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [1.0, 0.0, 0.0, 4.0, 3.0, 0.0]);
        folder.succeeds(&format!(
            "op conv-transpose --kernel k.npy --stride 2 --output-size 3 --padding same in.npy -o out.npy \
             --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 3.0, 0.0, 4.0]);
        // As far as output padding below the stride reaches.
        folder.succeeds(&format!(
            "op conv-transpose --kernel k.npy --stride 2 --output-size 5x4 in.npy -o out.npy --adapter {adapter}"
        ));
        let diagonal =
            [[1.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 2.0], [3.0, 0.0, 4.0, 0.0], [0.0, 3.0, 0.0, 4.0]];
        assert_eq!(folder.f32s("out.npy"), [&diagonal.concat()[..], &[0.0; 4]].concat());
        folder.succeeds(&format!(
            "op max-unpool --indices at.npy --output-size 3 --window 2 one.npy -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [0.0, 0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0]);
        folder.succeeds(&format!(
            "op conv-pool --kernel k.npy --activation relu --pool max --pool-window 2 --pool-stride 1 big.npy \
             -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [15.0, 17.0, 23.0, 25.0]);
        folder.succeeds(&format!(
            "op conv-pool --kernel k.npy --pool avg --pool-window 2 --pool-padding 1 --pool-divisor 1 big.npy \
             -o out.npy --adapter {adapter}"
        ));
        assert_eq!(folder.f32s("out.npy"), [5.0, 16.0, 34.0, 80.0], "{adapter}");
    }
}

#[test]
fn other_convolutions_and_columns() {
    let folder = Folder::new();
    let bytes = |name, shape: &[usize], v: &[u8]| {
        folder.file(name, &npy_of("|u1", shape, v));
    };
    bytes("x.npy", &[1, 1, 3], &[1, 2, 255]);
    bytes("k.npy", &[1, 1, 2], &[3, 1]);
    bytes("one.npy", &[1], &[1]);
    folder.array("s.npy", &[1], &[0.5]).array("f.npy", &[1, 1, 3], &[1.0, 2.0, 4.0]);
    folder.array("w.npy", &[1, 1, 2], &[10.0, 1.0]).array("offsets.npy", &[1, 2, 2], &[0.5, 0.0, 0.0, 0.0]);
    folder.array("columns.npy", &[1, 2, 3], &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
    folder.array("mask.npy", &[1, 2, 2], &[1.0, 1.0, 0.0, 1.0]).array("before.npy", &[1, 1, 1], &[3.0]);
    for adapter in ADAPTERS {
        let run =
            |arguments: &str| folder.succeeds(&format!("op {arguments} -o out.npy --adapter {adapter}"));
        let integer = "conv-integer --kernel k.npy --input-zero one.npy --kernel-zero one.npy x.npy";
        run(integer);
        assert_eq!(folder.i32s("out.npy"), [0, 2], "{adapter}");
        run(&format!("{integer} --to i8 --scales s.npy --output-zero -5"));
        assert_eq!(elements(&folder.read("out.npy")), [-5i8 as u8, -4i8 as u8], "{adapter}");
        run("deform-conv --kernel w.npy --offsets offsets.npy f.npy");
        assert_eq!(folder.f32s("out.npy"), [17.0, 24.0], "{adapter}");
        run("deform-conv --kernel w.npy --offsets offsets.npy --mask mask.npy f.npy");
        assert_eq!(folder.f32s("out.npy"), [15.0, 24.0], "{adapter}");
        run("causal-conv --kernel w.npy --state before.npy --next-state after.npy f.npy");
        assert_eq!((folder.f32s("out.npy"), folder.f32s("after.npy")), (vec![31.0, 12.0, 24.0], vec![4.0]));
        run("causal-conv --kernel w.npy f.npy");
        assert_eq!(folder.f32s("out.npy"), [1.0, 12.0, 24.0], "{adapter}");
        run("col2im --image-size 4 --window 2 columns.npy");
        assert_eq!(folder.f32s("out.npy"), [1.0, 12.0, 23.0, 30.0], "{adapter}");
    }
}

#[test]
fn functions_of_elements_are_broadcast() {
    let folder = Folder::new();
    folder.array("x.npy", &[2, 2], &[1.0, -4.0, 3.0, 0.25]);
    folder.array("row.npy", &[2], &[2.0, 4.0]);
    for adapter in ADAPTERS {
        let run = |arguments: &str| {
            folder.succeeds(&format!("op elementwise {arguments} -o out.npy --adapter {adapter}"))
        };
        run("subtract x.npy row.npy");
        assert_eq!(folder.f32s("out.npy"), [-1.0, -8.0, 1.0, -3.75], "{adapter}");
        run("maximum row.npy x.npy --activation leaky-relu:0.5");
        assert_eq!(folder.f32s("out.npy"), [2.0, 4.0, 3.0, 4.0], "{adapter}");
        run("absolute x.npy");
        assert_eq!(folder.f32s("out.npy"), [1.0, 4.0, 3.0, 0.25], "{adapter}");
    }
    folder.fails("op elementwise plus x.npy row.npy", "the functions are negate, absolute, ");
    folder.fails("op elementwise add x.npy", "as many as the formula has");
}

#[test]
fn bytes_stay_bytes_and_safetensors_work_too() {
    let folder = Folder::new();
    folder.file("in.npy", &npy_of("|u1", &[1, 1, 2, 2], &[1, 200, 3, 4]));
    folder.succeeds("op max-pool --window 2 in.npy -o out.npy --adapter host");
    assert_eq!(elements(&folder.read("out.npy")), [200]);
    folder.succeeds("op max-pool --window 2 in.npy -o out.safetensors --adapter host");
    folder.succeeds("op max-pool --window 1 out.safetensors -o again.npy --adapter host");
    assert_eq!(elements(&folder.read("again.npy")), [200]);
}

#[test]
fn kernels_are_listed_and_forced() {
    let folder = Folder::new();
    let said = folder.succeeds("kernels");
    assert!(said.lines().any(|l| l.starts_with("conv/gemm ") && l.contains(" gpu ")), "{said}");
    assert!(folder.succeeds("kernels --json").contains("\"name\":\"pool/sliding\""));
    folder.array("in.npy", &[1, 1, 4, 4], &counting(16));
    let pool = "op max-pool --window 2x2 --stride 2 in.npy -o out.npy --adapter software --explain --kernels";
    for kernel in ["pool/sliding", "pool/patch", "general", "pool/*"] {
        let said = folder.succeeds(&format!("{pool} {kernel}"));
        assert!(said.contains("taken"), "{kernel}: {said}");
        assert_eq!(folder.f32s("out.npy"), [5.0, 7.0, 13.0, 15.0]);
    }
    let said = folder.succeeds(&format!("{pool} general"));
    assert!(said.contains("pool/global") && said.contains("does not apply: windows are no whole"), "{said}");
    folder.fails(&format!("{pool} pool/global"), "pool/global does not apply: windows are no whole planes");
    folder.fails(&format!("{pool} conv/gemm"), "the kernels of this operation are pool/two_passes, ");
    folder.fails(&format!("{pool} pool/fast"), "pool/sliding");
}

#[test]
fn bf16_goes_through_safetensors() {
    let folder = Folder::new();
    let halves: Vec<u8> =
        [1.0, 2.0, 3.0, 8.0].iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect();
    let view =
        |bytes| TensorView::new(Dtype::BF16, vec![1, 1, 4], bytes).expect("as many bytes as the shape says");
    folder.file("in.safetensors", &safetensors::serialize([("x", view(&halves))], None).expect("a file"));
    for adapter in ADAPTERS {
        folder.succeeds(&format!(
            "op avg-pool --window 4 in.safetensors -o out.safetensors --adapter {adapter}"
        ));
        let bytes = std::fs::read(folder.0.join("out.safetensors")).expect("the result");
        let file = SafeTensors::deserialize(&bytes).expect("a file");
        let output = file.tensor("output").expect("the result");
        assert_eq!(
            (output.dtype(), output.data()),
            (Dtype::BF16, &half::bf16::from_f32(3.5).to_le_bytes()[..])
        );
    }
    let op = "op avg-pool --window 4 in.safetensors --adapter host";
    folder.fails(&format!("{op} -o out.npy"), "NPY has no elements of bf16; write a .safetensors");
}

/// What people try first is understood too.
#[test]
fn other_names_are_known() {
    let folder = Folder::new();
    folder.array("x.npy", &[1, 1, 2, 2], &counting(4)).array("w.npy", &[1, 1, 1, 1], &[2.0]);
    let same = |known: &str, other: &str, from: &str| {
        folder.succeeds(&format!("{known} {from} --adapter host -o known.npy"));
        folder.succeeds(&format!("{other} {from} --adapter host --out other.npy"));
        assert_eq!(folder.f32s("known.npy"), folder.f32s("other.npy"), "{other}");
    };
    same("op avg-pool --window 2", "op average-pool --window 2", "x.npy");
    same("op global-avg-pool", "op global-average-pool", "x.npy");
    same("op conv --kernel w.npy", "op conv --weights w.npy", "x.npy");
    crate::identity(&folder, &[2, 2, 1]);
    folder.array("x.npy", &[2, 2, 1], &counting(4));
    same("predict config.json", "predict config.json", "x.npy");
}
