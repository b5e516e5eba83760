// Where an element of a tensor lies. Neighbours in memory have neighbouring numbers: channels where they lie last, else
// positions.
override CHANNELS_LAST: bool = false;

struct Element {
    image: u32,
    channel: u32,
    position: vec3<u32>, // depth, height, width
}

fn element_of(number: u32, size: vec3<u32>, channels: u32) -> Element {
    var e: Element;
    var rest = number;
    if (CHANNELS_LAST) {
        e.channel = rest % channels;
        rest /= channels;
    }
    e.position.z = rest % size.z;
    rest /= size.z;
    e.position.y = rest % size.y;
    rest /= size.y;
    e.position.x = rest % size.x;
    rest /= size.x;
    if (!CHANNELS_LAST) {
        e.channel = rest % channels;
        rest /= channels;
    }
    e.image = rest;
    return e;
}
