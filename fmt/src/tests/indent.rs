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
