//! The networks of the repository with random line breaks, comments and missing tokens: formatted twice they are as
//! formatted once. The formatter itself refuses a result with other tokens.

mod common;

use common::{formatted, sources};
use netform_fmt::lexer::lex;
use netform_fmt::token::{Kind, Token};

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Something else than what stands between two tokens, once in `rarely` times.
fn gap(gap: &str, random: &mut Random, rarely: u64) -> String {
    if random.below(rarely) > 0 {
        return gap.to_owned();
    }
    let others = [
        "\n",
        "\n\n\n",
        "\r\n",
        " /* a */ ",
        "  /* a\n     b */\n",
        " // a \n",
        "\n   // a\n",
        "\n, \n",
        ",",
        "  \t ",
    ];
    others[random.below(others.len() as u64) as usize].to_owned()
}

/// A source with other gaps and without some tokens.
fn changed(text: &str, tokens: &[Token<'_>], random: &mut Random) -> String {
    let mut out = String::new();
    let rarely = 2 + random.below(30);
    for pair in tokens.windows(2) {
        let [a, b] = pair else { continue };
        let bracket = matches!(a.kind, Kind::Open | Kind::Close);
        let named = matches!(a.text, "network" | "!");
        if bracket || named || a.is_comment() || random.below(40) > 0 {
            out += a.text;
        } else {
            out.push(' ');
        }
        let between = &text[a.end()..b.start];
        match named || a.is_comment() || b.text == "!" {
            true => out += between,
            false => out += &gap(between, random, rarely),
        }
    }
    out + tokens.last().map_or("", |t| t.text)
}

#[test]
fn twice_is_once() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (path, text) in sources() {
        let tokens = lex(&text).expect("tokens");
        for _ in 0..4 {
            let changed = changed(&text, &tokens, &mut random);
            let once = formatted(&path, &changed);
            assert_eq!(formatted(&path, &once), once, "from\n{changed}");
        }
    }
}
