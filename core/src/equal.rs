//! Equalities of Rust constants.
//!
//! `network!` knows the names of a program's constants, not their values. Where a network is right only if two sizes are
//! equal, it emits a call of [`same`] in a constant.

use crate::message::Text;

/// Fails to compile unless two sizes are equal. The message is `text`, which reports both, and the value of each; a side
/// that is a number has an empty name.
///
/// ```
/// const WIDTH: usize = 32;
/// const _: () = netform_core::equal::same(WIDTH, 32, "`linear` takes 32 features, but `x` has WIDTH", ["WIDTH", ""]);
/// ```
#[track_caller]
pub const fn same(left: usize, right: usize, text: &str, names: [&str; 2]) {
    if left == right {
        return;
    }
    let mut all = Text::new().text(text);
    if !names[0].is_empty() {
        all = all.text("; ").text(names[0]).text(" is ").number(left);
    }
    if !names[1].is_empty() {
        all = all.text("; ").text(names[1]).text(" is ").number(right);
    }
    panic!("{}", all.or(text));
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::same;

    #[test]
    fn the_message_has_both_values() {
        same(3, 3, "", ["D", ""]);
        let error = std::panic::catch_unwind(|| same(31, 32, "`f` takes 4*H, not D", ["D", "4*H"]));
        let error = error.unwrap_err();
        let text = error.downcast_ref::<std::string::String>().unwrap();
        assert_eq!(text, "`f` takes 4*H, not D; D is 31; 4*H is 32");
    }
}
