//! Places in the names of parameters: the numbers of array elements.
//!
//! `blocks.{}.weight` names one parameter for each element of an array: `blocks.0.weight`, `blocks.1.weight`.
//! `lstm.weight_ih_l{1}` counts from 1.

use core::fmt;

/// The first place of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The text before it.
    pub before: &'a str,
    /// The number of the first element.
    pub from: u64,
    /// The text after it.
    pub after: &'a str,
}

/// The first place of a name, if it has one.
pub fn first(name: &str) -> Option<Place<'_>> {
    let (before, rest) = name.split_once('{')?;
    let (number, after) = rest.split_once('}')?;
    let from = match number {
        "" => 0,
        _ => number.parse().ok()?,
    };
    Some(Place {
        before,
        from,
        after,
    })
}

impl<'a> Place<'a> {
    /// The array that the element belongs to: `blocks` of `blocks.{}.weight`, `lstm` of `lstm.weight_ih_l{1}`.
    pub fn array(&self) -> &'a str {
        let layer = match self.after.contains('.') {
            true => self.before.strip_suffix('.'),
            false => self.before.rsplit_once('.').map(|(layer, _)| layer),
        };
        layer.unwrap_or(self.before)
    }
}

/// The name of a parameter with the number of element `k` in its first place.
pub fn element(name: &str, k: u64) -> impl fmt::Display {
    fmt::from_fn(move |f| match first(name) {
        Some(p) => write!(f, "{}{}{}", p.before, p.from + k, p.after),
        None => f.write_str(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_number_and_an_array() {
        for (name, wanted) in [
            ("first.weight", None),
            (
                "blocks.{}.conv.{}.weight",
                Some(("blocks.", 0, ".conv.{}.weight", "blocks")),
            ),
            ("layer{}.weight", Some(("layer", 0, ".weight", "layer"))),
            (
                "net.lstm.weight_ih_l{1}_reverse",
                Some(("net.lstm.weight_ih_l", 1, "_reverse", "net.lstm")),
            ),
            ("scales.{}", Some(("scales.", 0, "", "scales"))),
            ("weight{}", Some(("weight", 0, "", "weight"))),
        ] {
            let found = first(name).map(|p| (p.before, p.from, p.after, p.array()));
            assert_eq!(found, wanted, "{name}");
        }
    }
}
