//! Arrays as NumPy makes them.

use crate::cli::{Folder, npy_of};
use crate::counting;

const POOL: &str = "op max-pool --window 2 in.npy -o out.npy --adapter host";

/// Runs the program, which must succeed with one line on stderr.
fn says(folder: &Folder, arguments: &str, about: &str) {
    let output = folder.run(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments}: {stderr}");
    assert!(stderr.lines().count() == 1 && stderr.contains(about), "{arguments}: {stderr}");
}

fn bytes_of<const N: usize>(each: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
    each.flatten().collect()
}

#[test]
fn numbers_of_other_types_are_converted() {
    let folder = Folder::new();
    let shape = [1, 1, 4, 4];
    let files = [
        ("<i8", bytes_of((0..16i64).map(i64::to_le_bytes)), "int64 is read as f32"),
        (">i8", bytes_of((0..16i64).map(i64::to_be_bytes)), "big-endian int64 is read as f32"),
        ("<f8", bytes_of((0..16).map(|v| f64::from(v).to_le_bytes())), "float64 is read as f32"),
        (">f4", bytes_of((0..16u8).map(|v| f32::from(v).to_be_bytes())), "big-endian f32 is read as f32"),
        ("<i4", bytes_of((0..16i32).map(i32::to_le_bytes)), "i32 is read as f32"),
        ("<u2", bytes_of((0..16u16).map(u16::to_le_bytes)), "is read as f32"),
    ];
    for (descr, elements, about) in files {
        folder.file("in.npy", &npy_of(descr, &shape, &elements));
        says(&folder, POOL, about);
        assert_eq!(folder.f32s("out.npy"), [5.0, 7.0, 13.0, 15.0], "{descr}");
    }
    folder.file("in.npy", &npy_of("|b1", &shape, &[[0u8, 1], [0, 0]].concat().repeat(4)));
    says(&folder, POOL, "bool is read as f32");
    assert_eq!(folder.f32s("out.npy"), [1.0, 0.0, 1.0, 0.0]);
    // Bytes stay bytes where the operation takes them, and become floats where it does not.
    folder.file("in.npy", &npy_of("|u1", &shape, &(0..16).collect::<Vec<u8>>()));
    assert!(folder.succeeds(POOL).contains("u8 [1, 1, 2, 2]"));
    says(&folder, "op avg-pool --window 2 in.npy -o out.npy --adapter host", "u8 is read as f32");
    assert_eq!(folder.f32s("out.npy"), [2.5, 4.5, 10.5, 12.5]);
}

#[test]
fn columns_first_and_planes_alone() {
    let folder = Folder::new();
    let rows =
        npy_of("<f4", &[4, 4], &bytes_of((0..16u8).map(|v| f32::from(v % 4 * 4 + v / 4).to_le_bytes())));
    let at = rows.windows(5).position(|part| part == b"False").expect("the order");
    let fortran = [&rows[..at], b"True ", &rows[at + 5..]].concat();
    folder.file("in.npy", &fortran);
    says(&folder, POOL, "f32 in Fortran order is read as f32, [4, 4] is read as [1, 1, 4, 4], one channel");
    assert_eq!(folder.f32s("out.npy"), [5.0, 7.0, 13.0, 15.0]);
    folder.array("in.npy", &[4, 4], &counting(16)).array("k.npy", &[2, 2], &[1.0, 0.0, 0.0, 0.0]);
    says(&folder, &format!("{POOL} --layout nhwc"), "[1, 4, 4, 1]");
    assert_eq!(folder.f32s("out.npy"), [5.0, 7.0, 13.0, 15.0]);
    for layouts in ["", "--layout nhwc --kernel-layout hwio"] {
        let output = folder
            .run(&format!("op conv --kernel k.npy --stride 2 in.npy -o out.npy --adapter host {layouts}"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.matches("one channel").count() == 2, "{stderr}");
        assert_eq!(folder.f32s("out.npy"), [0.0, 2.0, 8.0, 10.0]);
    }
    // Where two axes are what the operation takes, they stay.
    folder.array("v.npy", &[1, 2], &[3.0, 3.0]);
    folder.succeeds("op softmax v.npy -o out.npy --adapter host");
    assert_eq!(folder.f32s("out.npy"), [0.5, 0.5]);
}

#[test]
fn positions_are_whole_numbers() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 1, 1, 2], &[8.0, 9.0]);
    folder.file(
        "at.npy",
        &npy_of("<i8", &[1, 1, 1, 2], &bytes_of([3i64, 0].into_iter().map(i64::to_le_bytes))),
    );
    let unpool = "op max-unpool --indices at.npy --output-size 2x2 in.npy -o out.npy --adapter host";
    says(&folder, unpool, "at.npy: int64 is read as i32");
    assert_eq!(folder.f32s("out.npy"), [9.0, 0.0, 0.0, 8.0]);
    folder.file(
        "at.npy",
        &npy_of("<i8", &[1, 1, 1, 2], &bytes_of([1i64 << 33, 0].into_iter().map(i64::to_le_bytes))),
    );
    folder.fails(unpool, "element 0 is 8589934592 in int64, which i32 does not have");
}

#[test]
fn numbers_that_would_change_need_cast() {
    let folder = Folder::new();
    folder.file(
        "in.npy",
        &npy_of("<f8", &[1, 1, 2, 2], &bytes_of([0.1, 0.2, 0.3, 0.7f64].iter().map(|v| v.to_le_bytes()))),
    );
    folder.fails(POOL, "in.npy: element 0 is 0.1 in float64, which f32 does not have: --cast");
    says(&folder, &format!("{POOL} --cast"), "float64 is read as f32");
    assert_eq!(folder.f32s("out.npy"), [0.7]);
    folder.file("c.npy", &npy_of("<c8", &[1, 1, 2, 2], &[0; 32]));
    folder.fails("op max-pool --window 2 c.npy -o out.npy", "no real numbers");
}

#[test]
fn archives_and_hdf5_are_told_by_their_first_bytes() {
    let folder = Folder::new();
    folder.file("in.npz", b"PK\x03\x04rest").file("in.h5", b"\x89HDF\r\n\x1a\nrest");
    folder.fails("op max-pool --window 2 in.npz -o out.npy", "np.save");
    folder.fails("op max-pool --window 2 in.h5 -o out.npy", "it is HDF5");
}
