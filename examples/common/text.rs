//! From text to the inputs of a network: symbols become numbers, sequences become batches.
//!
//! A network reads no letters or words, only numbers of table rows. A [`Vocabulary`] numbers the symbols that are
//! frequent enough in the training text. The sequences of a batch form one rectangle, so [`pad`] fills shorter ones up
//! with [`PADDING`] and returns the length of each. Computation on padding is wasted, so [`buckets`] groups sequences
//! of about the same length.

use std::collections::{BTreeSet, HashMap};

use netform::Tensor;

use super::Numbers;

/// The number for padding.
pub const PADDING: u32 = 0;
/// The number of every symbol that the vocabulary does not have.
pub const UNKNOWN: u32 = 1;

/// The lines of a bundled file whose fields are separated by tabs.
pub fn tsv<const N: usize>(file: &str) -> super::Result<Vec<[String; N]>> {
    let path = super::data(file);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let fields = |(at, line): (usize, &str)| {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let found = fields.len();
        <[String; N]>::try_from(fields)
            .map_err(|_| format!("{file}, line {}: {found} fields, not {N}", at + 1).into())
    };
    text.lines().enumerate().map(fields).collect()
}

/// Words in lower case, and the punctuation that carries tone.
pub fn words(text: &str) -> Vec<String> {
    let spaced = text.chars().flat_map(char::to_lowercase).map(|c| match c {
        c if c.is_alphanumeric() || c == '\'' => c.to_string(),
        '!' | '?' | ',' | ';' | ':' => format!(" {c} "),
        _ => " ".to_owned(),
    });
    let spaced: String = spaced.collect();
    // An apostrophe belongs to a word only inside it.
    let words = spaced.split_whitespace().map(|w| w.trim_matches('\''));
    words.filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// Each word together with the one before it.
pub fn pairs(words: &[String]) -> impl Iterator<Item = String> {
    let before = std::iter::once("").chain(words.iter().map(String::as_str));
    before.zip(words).map(|(a, b)| format!("{a} {b}"))
}

/// Symbols and their numbers, from 2 on.
pub struct Vocabulary<S> {
    symbols: Vec<S>,
    numbers: HashMap<S, u32>,
}

impl<S: Clone + Eq + std::hash::Hash + Ord> Vocabulary<S> {
    /// The most frequent symbols: as many as a table of `rows` holds beside padding and the unknown symbol, each
    /// occurring at least `least` times.
    pub fn new(symbols: impl Iterator<Item = S>, rows: usize, least: usize) -> Self {
        let mut counts = HashMap::new();
        symbols.for_each(|s| *counts.entry(s).or_insert(0usize) += 1);
        let mut often: Vec<(S, usize)> = counts.into_iter().filter(|c| c.1 >= least).collect();
        // Ties follow the symbols' order, since a hash table has no fixed one.
        often.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        often.truncate(rows.saturating_sub(2));
        let symbols: Vec<S> = often.into_iter().map(|c| c.0).collect();
        let numbers = symbols.iter().cloned().zip(2..).collect();
        Self { symbols, numbers }
    }

    /// How many symbols have a number.
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Whether no symbol has a number.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// A symbol's number.
    pub fn number(&self, symbol: &S) -> u32 {
        self.numbers.get(symbol).copied().unwrap_or(UNKNOWN)
    }

    /// The symbol of a number; padding and unknown have none.
    pub fn symbol(&self, number: u32) -> Option<&S> {
        self.symbols.get((number as usize).checked_sub(2)?)
    }
}

/// Sequences as one rectangle, as wide as the longest, and the length of each.
pub fn pad<'a>(
    rows: impl ExactSizeIterator<Item = &'a [u32]> + Clone,
) -> netform::Result<(Tensor, Vec<u32>)> {
    let width = rows.clone().map(<[u32]>::len).max().unwrap_or(0).max(1);
    let mut all = vec![PADDING; rows.len() * width];
    let mut lengths = Vec::with_capacity(rows.len());
    for (to, row) in all.chunks_exact_mut(width).zip(rows.clone()) {
        to[..row.len()].copy_from_slice(row);
        lengths.push(row.len() as u32);
    }
    Ok((Tensor::from_vec([rows.len(), width], all)?, lengths))
}

/// Batches of samples of about the same length, in random order: the positions of each.
///
/// The samples are shuffled and cut into pieces of 16 batches, and each piece is sorted by length. So batches differ
/// from epoch to epoch and still need little padding.
pub fn buckets(lengths: &[usize], batch: usize, numbers: &mut Numbers) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    numbers.shuffle(&mut order);
    let mut batches = Vec::new();
    for piece in order.chunks_mut(16 * batch) {
        piece.sort_by_key(|&at| lengths[at]);
        batches.extend(piece.chunks(batch).map(<[usize]>::to_vec));
    }
    numbers.shuffle(&mut batches);
    batches
}

/// Words cut into pieces, after Sennrich et al. (2016): byte-pair encoding.
///
/// Whole words are too many, and a table of them lacks the words outside the training text; letters are few, but make
/// long sequences. Pieces are between the two: starting from letters, the most frequent pair of neighbours in the
/// training text becomes a new piece, again and again. So a frequent word is one piece, a rare one several, and joining
/// the pieces gives the text back. A blank belongs to the word after it, and no piece crosses a word's end.
pub struct Pieces {
    all: Vec<String>,
    /// The joined pairs with their ranks: a lower rank was learnt earlier.
    joins: HashMap<(String, String), usize>,
}

impl Pieces {
    /// Learns at most `most` pieces, of which all but the letters occur at least twice.
    pub fn learn<'a>(texts: impl Iterator<Item = &'a str>, most: usize) -> Self {
        let mut words: HashMap<&str, usize> = HashMap::new();
        for word in texts.flat_map(chunks) {
            *words.entry(word).or_default() += 1;
        }
        let mut words: Vec<(Vec<String>, usize)> = words
            .into_iter()
            .map(|(word, n)| (letters(word), n))
            .collect();
        // How often each pair occurs, kept up to date: a join changes only the words that contain the pair.
        let mut counts: HashMap<(String, String), i64> = HashMap::new();
        let mut holders: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (at, (word, n)) in words.iter().enumerate() {
            for pair in neighbours(word) {
                *counts.entry(pair.clone()).or_default() += *n as i64;
                holders.entry(pair).or_default().push(at);
            }
        }
        let mut all: BTreeSet<String> = words.iter().flat_map(|w| w.0.clone()).collect();
        let mut joins = HashMap::new();
        while all.len() < most {
            // Ties follow the alphabet, since a hash table has no fixed order.
            let often = counts
                .iter()
                .max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
            let Some((pair, _)) = often.filter(|(_, n)| **n > 1) else {
                break;
            };
            let pair = pair.clone();
            for at in holders.remove(&pair).unwrap_or_default() {
                let (word, n) = &mut words[at];
                for old in neighbours(word) {
                    *counts.entry(old).or_default() -= *n as i64;
                }
                join(word, &pair);
                for new in neighbours(word) {
                    *counts.entry(new.clone()).or_default() += *n as i64;
                    holders.entry(new).or_default().push(at);
                }
            }
            counts.remove(&pair);
            all.insert(format!("{}{}", pair.0, pair.1));
            joins.insert(pair, joins.len());
        }
        let all = all.into_iter().collect();
        Self { all, joins }
    }

    /// All pieces.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.all.iter()
    }

    /// The pieces of a text. A possible join is left out where `skip` returns true: cutting a text differently each
    /// time teaches more than one way to read a word (Provilkov et al., 2020).
    pub fn cut(&self, text: &str, mut skip: impl FnMut() -> bool) -> Vec<String> {
        let mut all = Vec::new();
        for word in chunks(text) {
            let mut word = letters(word);
            loop {
                let known = neighbours(&word).filter_map(|p| Some((*self.joins.get(&p)?, p)));
                let Some((_, pair)) = known.filter(|_| !skip()).min() else {
                    break;
                };
                join(&mut word, &pair);
            }
            all.append(&mut word);
        }
        all
    }
}

/// Runs of letters and of digits, and every other sign alone; each with the blank before it.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let kind = |c: char| (c.is_alphabetic(), c.is_numeric());
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut inner = rest
            .char_indices()
            .skip_while(|(at, c)| *at == 0 && *c == ' ');
        let (_, first) = inner.next().or_else(|| rest.char_indices().next())?;
        let whole = kind(first) != (false, false);
        let end = inner.find(|(_, c)| !whole || kind(*c) != kind(first));
        let (chunk, left) = rest.split_at(end.map_or(rest.len(), |e| e.0));
        rest = left;
        Some(chunk)
    })
}

fn letters(word: &str) -> Vec<String> {
    word.chars().map(String::from).collect()
}

fn neighbours(word: &[String]) -> impl Iterator<Item = (String, String)> {
    word.windows(2).map(|w| (w[0].clone(), w[1].clone()))
}

/// Joins each occurrence of the pair into one piece.
fn join(word: &mut Vec<String>, pair: &(String, String)) {
    let mut at = 0;
    while at + 1 < word.len() {
        if word[at] == pair.0 && word[at + 1] == pair.1 {
            let second = word.remove(at + 1);
            word[at].push_str(&second);
        }
        at += 1;
    }
}

/// The least number of insertions, deletions and replacements that turn `a` into `b` (Levenshtein, 1966).
pub fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = corner + usize::from(a != *b);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
