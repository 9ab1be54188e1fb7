//! Comments stay where they are.

use super::{becomes, formatted};

#[test]
fn places() {
    becomes(
        "
//! Inner.
 /// Doc.   
struct Net {    // After a brace.
a: A,// Short.
bb: B,  //   Text   is kept.  
      // Before the end.
}
fn f() -> [] {
x
// Before the sum.
+ y
// Before the end.
}
/* A block
of lines

  of which one is indented
*/
fn g() -> [] {
          /*
           * A star.
           */
          x /* a */ }",
        "
    //! Inner.
    /// Doc.
    struct Net { // After a brace.
        a: A, // Short.
        bb: B, //   Text   is kept.
        // Before the end.
    }
    fn f() -> [] {
        x
            // Before the sum.
            + y
        // Before the end.
    }
    /* A block
    of lines

      of which one is indented
    */
    fn g() -> [] {
        /*
         * A star.
         */
        x /* a */ }",
    );
}

#[test]
fn columns() {
    becomes(
        "
    struct Net {
        a: Linear(8->8),    // One column
        bbb: B,             // of three
        c: C,               // comments.

        d: D,               // After an empty line.
        e: E,     // Another column.
        f: F,
        g: G,     // Alone.
    }",
        "
    struct Net {
        a: Linear(8 -> 8), // One column
        bbb: B,            // of three
        c: C,              // comments.

        d: D, // After an empty line.
        e: E, // Another column.
        f: F,
        g: G, // Alone.
    }",
    );
}

#[test]
fn after_the_macros_brace() {
    let before = "network! {   // Why.\n    struct Net {}\n// End.\n}";
    let after = "network! { // Why.\n    struct Net {}\n    // End.\n}";
    assert_eq!(formatted(before), after);
}
