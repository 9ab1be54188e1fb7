//! The words that stand for paths of Rust constants while a network is compiled: `WIDTH__IN__config` for `config::WIDTH`
//! (`paths.rs`).

/// Stands between the parts of a path.
pub const IN: &str = "__IN__";

/// The parts of a path that became a word.
pub fn parts(word: &str) -> Option<Vec<&str>> {
    let (name, path) = word.split_once(IN)?;
    // Names that the compiler made from such a word stay.
    let made = word.starts_with("__");
    (!made).then(|| path.split(IN).chain([name]).collect())
}

/// The name at the end of a path, or a name.
pub fn last(word: &str) -> &str {
    word.split_once(IN).map_or(word, |(name, _)| name)
}

/// A text with paths in the places of words.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        match parts(word) {
            Some(parts) => out += &parts.join("::"),
            None => out += word,
        }
        let between = after.find(is_word).unwrap_or(after.len());
        out += &after[..between];
        rest = &after[between..];
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_show_paths() {
        assert_eq!(
            super::shown("`A__IN__b__IN__c` and D, __A__IN__b"),
            "`b::c::A` and D, __A__IN__b"
        );
    }
}
