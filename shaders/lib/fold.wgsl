// What the invocations of a workgroup hold made one value; or what some of them do, which share a task.

var<workgroup> shared_values: array<f32, WORKGROUP>;

// Invocations that share a task.
override SHARE: u32 = 64u;

// Which share an invocation has, and where the values of its task lie in workgroup memory.
struct Share {
    number: u32,
    task: u32,  // of the workgroup
    first: u32, // where share 0 of the task lies
    step: u32,  // from share to share
}

// Neighbouring invocations work on one task.
fn beside(local: u32) -> Share {
    return Share(local % SHARE, local / SHARE, local - local % SHARE, 1u);
}

// Neighbouring invocations work on neighbouring tasks.
fn across(local: u32) -> Share {
    let tasks = WORKGROUP / SHARE;
    return Share(local / tasks, local % tasks, local % tasks, tasks);
}

// Folds what the invocations of a task hold; each of them gets the result.
fn fold(value: f32, share: Share, take_largest: bool) -> f32 {
    let own = share.first + share.number * share.step;
    workgroupBarrier();
    shared_values[own] = value;
    for (var half = SHARE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (share.number < half) {
            let a = shared_values[own];
            let b = shared_values[own + half * share.step];
            if (take_largest) {
                shared_values[own] = larger(a, b);
            } else {
                shared_values[own] = a + b;
            }
        }
    }
    workgroupBarrier();
    return shared_values[share.first];
}
