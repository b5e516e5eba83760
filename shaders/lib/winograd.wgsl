// Tiles of Winograd's algorithm F(4 x 4, 3 x 3): 4 by 4 outputs, 6 by 6 inputs and as many points.

@group(0) @binding(0) var<uniform> params: WinogradParams;
