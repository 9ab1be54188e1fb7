use netform::prelude::*;

network! {
    struct Net {
        #[cfg(test)]
        linear: Linear(8 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear(x) }
}

fn main() {}
