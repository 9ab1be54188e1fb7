use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 4),
    }
    fn summed(x: [..]) -> [..] { x.sum(2) }
    fn joined(x: [..], y: [..]) -> [..] { x + y }
    fn narrow(x: [.., 4]) -> [.., 4] { linear(x) }
    fn nowhere(x: [B]) -> [..] { x }
    fn twice(x: [.., ..]) -> [B] { x }
    #[draw]
    fn drawn(x: [..]) -> [] { x.sum() }
    fn in_a_let(x: [B]) -> [B] {
        let y: [..] = x;
        y
    }
    fn forward(x: [B, 4], y: [B, 5], z: [4]) -> [B, 4] {
        summed(x) + joined(x, z) + narrow(y)
    }
}

network! {
    struct Idle {
        linear: Linear(4 -> 4),
    }
    fn idle(x: [.., 4]) -> [.., 4] { linear(x) + missing }
    /// No mistakes: these take some numbers of dimensions.
    fn for_others(x: [..]) -> [..] { x.sum(1, keepdim = true) + x }
    fn of_images(x: [..]) -> [..] { x.sum([2, 3]) }
    fn forward(x: [B, 4]) -> [B, 4] { linear(x) }
}

fn main() {}
