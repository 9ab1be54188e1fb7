use netform::prelude::*;

network! {
    struct Net {}
    fn both(x: [T, 4]) -> [T, 4] {
        let mut x = x;
        for row in x {
            row = row * 2;
            x = x + 1;
        }
        x
    }
}

fn main() {}
