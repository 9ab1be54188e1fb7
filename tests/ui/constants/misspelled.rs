use netform::prelude::*;

const WIDTH: usize = 8;

mod listed {
    use super::*;
    network! {
        use const WIDHT;
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { linear(x) * WIDHT }
    }
}

mod declared {
    use super::*;
    network! {
        struct Net { linear: Linear(WDITH -> 8) }
        fn forward(x: [B, WDITH]) -> [B, 8] { linear(x) }
    }
}

fn main() {}
