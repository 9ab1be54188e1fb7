use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 8),
        features: BatchNorm1d(16),
        last: BatchNorm2d(3),
        flat: BatchNorm2d(8),
        group: GroupNorm(2, 6),
        instance: InstanceNorm1d(4),
        wrong: GroupNorm(4, 6),
    }
    fn narrow(x: [B, 4]) -> [B, 8] { features(linear(x)) }
    fn channels_last(x: [B, 28, 28, 3]) -> [B, 28, 28, 3] { last(x) }
    fn rank(x: [B, 8, L]) -> [B, 8, L] { flat(x) }
    fn groups(x: [B, 8, L]) -> [B, 8, L] { group(x) }
    fn plane(x: [B, 4, H, W]) -> [B, 4, H, W] { instance(x) }
    fn op(x: [B, 8], mean: [4], var: [8]) -> [B, 8] { batch_norm(x, mean, var) }
    fn no_statistics(x: [B, 8]) -> [B, 8] { batch_norm(x, None, None) }
    fn momentum(x: [B, 8], mean: [8], var: [8]) -> [B, 8] { batch_norm(x, mean, var, None, None, true, 0.1) }
    fn named(x: [B, 8, L]) -> [B, 8, L] { instance_norm(x, momentum = 0.1) }
}

fn main() {}
