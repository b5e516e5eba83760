    {
        // A step is some taps of some channels: they go through all channels, then through all taps.
        var tap = vec3<u32>();
        var channel = 0u;
        var steps = 0u;
        while (steps < params.steps[PAGE]) {
            //: parts
            let stop = min(steps + params.chain, params.steps[PAGE]);
            for (; steps < stop; steps++) {
                let at = start + dot(tap, params.tap_step.xyz) + channel * params.tap_step.w;
                let number = (tap.x * params.window.y + tap.y) * params.window.z + tap.z;
                let weight = weights_at + (channel * params.window.w + number) * FOURS;
                //: products
                channel += DEPTH;
                if (channel >= params.channels[PAGE]) {
                    channel = 0u;
                    tap.z += TAPS;
                    if (tap.z >= params.window.z) {
                        tap.z = 0u;
                        tap.y += 1u;
                        if (tap.y >= params.window.y) {
                            tap.y = 0u;
                            tap.x += 1u;
                        }
                    }
                }
            }
            //: fold
        }
    }
