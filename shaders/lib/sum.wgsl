// A sum in three levels: terms into parts, parts into blocks, blocks into the total, so that the error of a long
// sum stays that of a short one. (A compensated sum would do it in two, but drivers simplify it away.)
struct Sum {
    part: f32,
    block: f32,
    total: f32,
    terms: u32,
}

fn add(sum: ptr<function, Sum>, term: f32) {
    (*sum).part += term;
    (*sum).terms += 1u;
    if ((*sum).terms % PART == 0u) {
        (*sum).block += (*sum).part;
        (*sum).part = 0.0;
        if ((*sum).terms % (PART * PART) == 0u) {
            (*sum).total += (*sum).block;
            (*sum).block = 0.0;
        }
    }
}

fn result(sum: Sum) -> f32 {
    return sum.total + (sum.block + sum.part);
}
