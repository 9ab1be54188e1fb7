use netform::prelude::*;

mod or {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { x * (x > 0.0 || x < 1.0) }
    }
}

mod and {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { x * (x > 0.0 && x < 1.0) }
    }
}

mod power {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { x ^ 2 }
    }
}

mod inclusive {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { x[.., 0..=] }
    }
}

mod paths {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { nn::relu(x) }
    }
}

mod macros {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { vec![x] }
    }
}

mod no_value {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { x + ; }
    }
}

mod whiles {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { while true { } x }
    }
}

mod loops {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { loop { } x }
    }
}

mod returns {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { return x; }
    }
}

mod no_semicolon {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { let y = x x }
    }
}

mod for_what {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { for 3 in stack { } x }
    }
}

mod for_of {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { for a of stack { } x }
    }
}

mod round {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { let mut y = x; for l in stack { l(y) } y }
    }
}

mod memory {
    use super::*;
    network! {
        struct Net {}
        #[memory]
        fn forward(x: [B, 8]) -> [B, 8] { x }
    }
}

mod arguments {
    use super::*;
    network! {
        struct Net { linear: Linear 8 -> 8 }
        fn forward(x: [B, 8]) -> [B, 8] { x }
    }
}

mod block_sizes {
    use super::*;
    network! {
        struct Net { block: Block<8; 4> }
        fn forward(x: [B, 8]) -> [B, 8] { x }
    }
}

mod public {
    use super::*;
    network! {
        struct Net {}
        pub fn forward(x: [B, 8]) -> [B, 8] { x }
    }
}

mod no_function {
    use super::*;
    network! {
        struct Net {}
        const N: usize = 3;
    }
}

mod raw {
    use super::*;
    network! {
        struct Net {}
        fn r#forward(x: [B, 8]) -> [B, 8] { x }
    }
}

mod myself {
    use super::*;
    network! {
        struct Net {}
        fn forward(&self, x: [B, 8]) -> [B, 8] { x }
    }
}

mod rusts {
    use super::*;
    network! {
        struct Net {}
        fn forward(x: f16) -> [] { x }
    }
}

mod sizes {
    use super::*;
    network! {
        struct Net { linear: Linear(8 -> 8) }
        fn helper(x: [B, 8], n: usize) -> [B, 8] { linear(x) }
        fn forward(x: [B, 8]) -> [B, 8] { helper(x, 2) }
    }
}

mod remainders {
    use super::*;
    network! {
        struct Net<const K: usize> { linear: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] { if K % 2 == 2 { linear(x) } else { linear(x) % 2 } }
    }
}

fn main() {}
