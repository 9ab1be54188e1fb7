//! Lines that continue what the line before began.

use super::becomes;

#[test]
fn continuations() {
    becomes(
        "
fn f(x: [B])
-> [B]
{
let y = x
+ f(
a,
b,
)
- x
.sum();
let y =
y;
let z = y *
2;
x
.f(|a| {
a
})
.g()
.h();
x.f(
1,
)
.g()
.h();
for b in
blocks {
f(b
, 1);
}
x.g(|h|
-h)
}
fn g(x: [B])
-> [B] {
x
}",
        "
    fn f(x: [B])
        -> [B]
    {
        let y = x
            + f(
                a,
                b,
            )
            - x
            .sum();
        let y =
            y;
        let z = y *
            2;
        x
            .f(|a| {
                a
            })
            .g()
            .h();
        x.f(
            1,
        )
        .g()
        .h();
        for b in
            blocks {
            f(b
                , 1);
        }
        x.g(|h|
            -h)
    }
    fn g(x: [B])
        -> [B] {
        x
    }",
    );
}

#[test]
fn conditions() {
    becomes(
        "
pub struct Net<
const D: usize, const E: usize = 4
>
where
D % E == 0,
// Why.
D > 1,
{
a: A,
}
#[memory(
max = \"1 KiB\"
)]
fn f(x: [B]) -> [B]
where B > 1,
B < 9,
{
where(x > 0,
x, y)
}",
        "
    pub struct Net<
        const D: usize, const E: usize = 4,
    >
    where
        D % E == 0,
        // Why.
        D > 1,
    {
        a: A,
    }
    #[memory(
        max = \"1 KiB\"
    )]
    fn f(x: [B]) -> [B]
    where B > 1,
        B < 9,
    {
        where(x > 0,
            x, y)
    }",
    );
}
