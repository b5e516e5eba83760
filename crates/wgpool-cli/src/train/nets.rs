//! The tutorial's two networks: three convolutions of ten channels, with and without max pooling behind each.

use serde_json::{Value, json};

/// What networks are called in files, and in the table.
pub const NETS: [(&str, &str); 2] = [("nopool", "without pooling"), ("pool", "with pooling")];

/// Channels of each convolution.
pub const CHANNELS: usize = 10;

/// The configuration of a network as Keras writes it, for square pictures of this many pixels a side.
pub fn config(name: &str, size: usize) -> String {
    let pools = name == "pool";
    let layer = |class: &str, config: Value| json!({"class_name": class, "config": config});
    let mut layers =
        vec![layer("InputLayer", json!({"name": "image", "batch_shape": [null, size, size, 3]}))];
    for number in 1..=3 {
        let activation = if pools || number == 1 { "relu" } else { "linear" };
        layers.push(layer(
            "Conv2D",
            json!({"name": format!("conv{number}"), "filters": CHANNELS, "kernel_size": [3, 3], "activation": activation}),
        ));
        if pools {
            let config = json!({"name": format!("pool{number}"), "pool_size": [2, 2], "strides": [2, 2]});
            layers.push(layer("MaxPooling2D", config));
        }
    }
    layers.push(layer("Flatten", json!({"name": "flatten"})));
    layers.push(layer("Dense", json!({"name": "dense_out", "units": 1, "activation": "sigmoid"})));
    let name = format!("{name}_{size}");
    format!("{:#}\n", layer("Sequential", json!({"name": name, "layers": layers})))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpool_net::keras;

    #[test]
    fn parameters_are_those_of_the_tutorial() {
        for (name, size, parameters) in
            [("nopool", 224, 477_341), ("pool", 224, 8_861), ("nopool", 64, 35_741), ("pool", 64, 2_461)]
        {
            let model = keras::architecture(config(name, size)).unwrap();
            assert_eq!(model.parameters().total(), parameters, "{name} {size}");
        }
    }
}
