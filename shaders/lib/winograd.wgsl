// Tiles of Winograd's algorithm F(4 x 4, 3 x 3): 4 by 4 outputs, 6 by 6 inputs and as many points.

struct WinogradParams {
    in_size: vec4<u32>,    // height, width, input channels of a group, groups
    out_size: vec4<u32>,   // height, width, output channels of a group, images
    in_stride: vec4<u32>,  // row, column, channel, image
    out_stride: vec4<u32>, // the same of what is stored: the output, or what is pooled of it
    tap_stride: vec4<u32>, // row, column, input channel, output channel of the kernel
    stored: vec4<u32>,     // height and width of what is stored
    pad_before: vec4<i32>, // height, width
    rows: u32,             // of tiles in an image
    columns: u32,
    tiles: u32,            // of all images
    total: u32,            // invocations that have work
    quads: u32,            // fours of output channels in a tile of the product's
    channel_tiles: u32,    // such tiles of a group
    has_bias: u32,
    alpha: f32,
}

@group(0) @binding(0) var<uniform> params: WinogradParams;
