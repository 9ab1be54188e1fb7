//! A program asks for the memory of a network with a mistake in the variant that it takes.
use netform::prelude::*;

network! {
    struct Nested<const S: usize, const T: usize> {
        first: Linear(4 -> 8),
        second: Linear(8 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        if S != 2 {
            if T != 2 { second(x) } else { second(first(x)) }
        } else {
            second(first(x))
        }
    }
}

const FINE: usize = Nested::<2, 3>::forward_memory(1);
const WRONG: usize = Nested::<3, 3>::forward_memory(1);

fn main() {
    println!("{FINE} {WRONG}");
}
