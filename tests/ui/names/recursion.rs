use netform::prelude::*;

network! {
    struct Net {}
    fn f(x: [B]) -> [B] { g(x) }
    fn g(x: [B]) -> [B] { f(x) }
}

fn main() {}
