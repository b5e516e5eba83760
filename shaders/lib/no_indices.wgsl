fn store_index(at: u32, index: i32) {}
