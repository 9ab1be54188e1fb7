//! What of a file is formatted: the networks, and nothing else.

use super::formatted;

#[test]
fn the_rest_stays() {
    let rest = "
// network! {   a  :  B }
/* network! { ( } */
const A : &str = \"network! {   a  :  B }\";
const B : &str = r#\"network! { \" ( }\"#;
macro_rules! network { ( ) => {   } }
fn  network ( )  { network ! ( x ) ; network![ y ]; let network  =  1 ; other! {  x  } }
const C : char = '{' ; fn f < 'a > ( ) { }
";
    assert_eq!(formatted(rest), rest);
    let before = format!("{rest}network ! {{a:B}}{rest}netform::network!{{  }}{rest}");
    let after = format!("{rest}network ! {{ a: B }}{rest}netform::network!{{}}{rest}");
    assert_eq!(formatted(&before), after);
}

#[test]
fn other_files_stay() {
    for source in ["", "fn f( ) {", "network ! {", "\"", "x  +  y"] {
        assert_eq!(formatted(source), source);
    }
}

#[test]
fn margins() {
    for margin in ["", "    ", "\t", "\t  "] {
        let before = format!("{margin}mod a {{ network! {{\nstruct Net {{\na: A\n}}\n\t}} }}\n");
        let after = format!(
            "{margin}mod a {{ network! {{\n{margin}    struct Net {{\n{margin}        a: A,\n{margin}    }}\n{margin}}} }}\n"
        );
        assert_eq!(formatted(&before), after);
    }
}

#[test]
fn ends_of_lines() {
    let before = "fn f( ) {}\r\nnetwork! {\r\nstruct Net{}  \r\n\r\n\r\n/* a  \r\nb */\r\n// c  \r\n}\r\n\nx";
    let after = "fn f( ) {}\r\nnetwork! {\r\n    struct Net {}\r\n\r\n    /* a\r\n    b */\r\n    // c\r\n}\r\n\nx";
    assert_eq!(formatted(before), after);
    for end in ["", "\n", "\r\n", "\n\n\n"] {
        let source = format!("network! {{}}{end}");
        assert_eq!(formatted(&source), source);
    }
}

#[test]
fn strings_of_lines() {
    let before = "network! {\n#[doc = \"a\n  b  \n\"]\nstruct Net {}\n}";
    let after = "network! {\n    #[doc = \"a\n  b  \n\"]\n    struct Net {}\n}";
    assert_eq!(formatted(before), after);
}

#[test]
fn macros_around() {
    let before = "macro_rules! made { ($n:literal  $($f:tt)*) => {\n  network! {\n struct Net{\n$($f)*\n$(#[$m])?\nb:[Block<8>;$n]\n}\n}\n} }";
    let after = "macro_rules! made { ($n:literal  $($f:tt)*) => {\n  network! {\n      struct Net {\n          $($f)*\n          $(#[$m])?\n          b: [Block<8>; $n],\n      }\n  }\n} }";
    assert_eq!(formatted(before), after);
}
