use netform::prelude::*;

network! {
    struct Net {}
    fn constant(ids: u32[B]) -> (u32[B], u32[]) { (ids, -1) }
    fn below(ids: u32[B]) -> u32[B] { ids - 4294967296 }
    fn above(ids: u32[B]) -> i32[B] { ids + 2147483648 }
    // What may fit is checked when it is read.
    fn either(ids: u32[B], #[state] n: u32[]) -> (u32[B], u32[], u32[B], i32[B]) {
        n = n + 1;
        (ids - 5, n, ids - 4294967295, ids + 2147483647)
    }
}

fn main() {}
