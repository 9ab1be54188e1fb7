//! Indentation and empty lines.

use super::becomes;

#[test]
fn brackets() {
    becomes(
        "
struct Net {
a: TransformerEncoder(TransformerEncoderLayer(
4, 2,
), 3),
}
      fn f(
x: [B],
            ) -> [B] {
let (last, all) = x.scan(zeros([B]), |h, x_t| {
  // The state.
  let h = h + x_t;
  (
        h,
     h,
    )
}, reverse = true);
for b in blocks {
if training {
y = b(y);
} else {
y = y;
}
}
          -last
}",
        "
    struct Net {
        a: TransformerEncoder(TransformerEncoderLayer(
            4, 2,
        ), 3),
    }
    fn f(
        x: [B],
    ) -> [B] {
        let (last, all) = x.scan(zeros([B]), |h, x_t| {
            // The state.
            let h = h + x_t;
            (
                h,
                h,
            )
        }, reverse = true);
        for b in blocks {
            if training {
                y = b(y);
            } else {
                y = y;
            }
        }
        -last
    }",
    );
}

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

#[test]
fn empty_lines() {
    becomes(
        "


    struct Net {

        a: A,


        b: B,

    }
    \t
    // A comment.

    fn f() -> [] {

        x(

            1,

        )   \t

    }

",
        "
    struct Net {
        a: A,

        b: B,
    }

    // A comment.

    fn f() -> [] {
        x(
            1,
        )
    }
",
    );
}
