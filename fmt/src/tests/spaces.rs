//! Spaces inside a line.

use super::{becomes, formatted};

/// Lines of a function, before and after.
const CODE: &[(&str, &str)] = &[
    ("x+y*2-z/3%4@w", "x + y * 2 - z / 3 % 4 @ w"),
    ("x  +   y", "x + y"),
    ("x**2 ; -x ** - 2", "x ** 2; -x ** -2"),
    ("f( x,-1 ,! m,& mut k )", "f(x, -1, !m, &mut k)"),
    ("f (x) [0] . g ( )", "f(x)[0].g()"),
    ("cat([a,b],dim=1)", "cat([a, b], dim = 1)"),
    (
        "pad(x, [ 1,1 ], mode=\"a  b\")",
        "pad(x, [1, 1], mode = \"a  b\")",
    ),
    ("x[: , 1 : 3]", "x[:, 1:3]"),
    ("x[:: 2, : -1, 1:4 : 2]", "x[::2, :-1, 1:4:2]"),
    (
        "x[..., - 1 .., .. T-1, 1 ..3]",
        "x[..., -1.., ..T - 1, 1..3]",
    ),
    ("x[ : ,None ]", "x[:, None]"),
    ("x[a+1:b]", "x[a + 1:b]"),
    ("let y:[B,2*T]=x;", "let y: [B, 2 * T] = x;"),
    ("let  mut  y=-x;", "let mut y = -x;"),
    ("let ((a,_),b)=f(x);", "let ((a, _), b) = f(x);"),
    ("y+=1; y |= m; y&=!m", "y += 1; y |= m; y &= !m"),
    ("a<b|c>=d&e!=f|!g", "a < b | c >= d & e != f | !g"),
    ("(B<3, T>4)", "(B < 3, T > 4)"),
    ("(Ba < 3, Ta > 4)", "(Ba < 3, Ta > 4)"),
    ("where(N<3, M>4, x)", "where(N < 3, M > 4, x)"),
    ("where (x>0,x,y)", "where(x > 0, x, y)"),
    (
        "scan(x,h,| h,x_t |{(h,h)})",
        "scan(x, h, |h, x_t| { (h, h) })",
    ),
    (
        "scan(x, (), |_,x_t|((),f(x_t)))",
        "scan(x, (), |_, x_t| ((), f(x_t)))",
    ),
    (
        "scan(x, h, |(h,c),x_t| -h|c)",
        "scan(x, h, |(h, c), x_t| -h | c)",
    ),
    ("for b in blocks{x=b(x);}", "for b in blocks { x = b(x); }"),
    ("for(a,b)in zip(p,q){}", "for (a, b) in zip(p, q) {}"),
    ("for b in [p,q] { }", "for b in [p, q] {}"),
    (
        "let y=if training{-x}else{x};",
        "let y = if training { -x } else { x };",
    ),
    (
        "let y = if training { a } else { b }-c;",
        "let y = if training { a } else { b } - c;",
    ),
    ("x . 0 . sum()+x.0.1", "x.0 .sum() + x.0.1"),
    ("x.0.sum()", "x.0.sum()"),
    ("1.sum() + 1 .sum()", "1.sum() + 1 .sum()"),
    ("x*1e-5-2E+3", "x * 1e-5 - 2E+3"),
    ("x.in", "x.in"),
    ("f(in=3)", "f(in = 3)"),
    ("r#where ( x )", "r#where(x)"),
    ("f(x) /*why*/ +y", "f(x) /*why*/ + y"),
    ("f(/*why*/x/*not*/)", "f(/*why*/ x /*not*/)"),
    ("(x ,)", "(x,)"),
    ("a>>b", "a >> b"),
    ("nn :: relu(x)", "nn::relu(x)"),
    ("vec! [x]", "vec![x]"),
    ("x ^2 && y||z", "x ^ 2 && y || z"),
    ("x[.., 0 ..= 3]", "x[.., 0..=3]"),
    ("$x+$f($y)[$i]", "$x + $f($y)[$i]"),
];

#[test]
fn code() {
    for (before, after) in CODE {
        let body = |line: &str| format!("    fn f() -> [] {{\n        {line}\n    }}");
        becomes(&body(before), &body(after));
        // The same in one line.
        let line = |line: &str| format!("network! {{ fn f() -> [] {{ {line} }} }}");
        assert_eq!(formatted(&line(before)), line(after));
    }
}

/// Lines of a struct, before and after.
const FIELDS: &[(&str, &str)] = &[
    (
        "a:Linear(8->10,bias=false),",
        "a: Linear(8 -> 10, bias = false),",
    ),
    ("a : Linear( D->4*D ) ,", "a: Linear(D -> 4 * D),"),
    ("b:[Linear(16->16);4],", "b: [Linear(16 -> 16); 4],"),
    ("c:Block<16,32>,", "c: Block<16, 32>,"),
    (
        "c: [ [ Mlp < 6 , 7 > ; 2 ] ; 2 ],",
        "c: [[Mlp<6, 7>; 2]; 2],",
    ),
    ("c: other :: Mlp<D, 2*H>,", "c: other::Mlp<D, 2 * H>,"),
    ("c: GPT <8>,", "c: GPT<8>,"),
    ("c: $block<$n>,", "c: $block<$n>,"),
    ("c: A<B<3>>,", "c: A<B<3>>,"),
    ("c: Block<8;4>,", "c: Block<8; 4>,"),
    ("d:Buffer<i64>[ ]=5,", "d: Buffer<i64>[] = 5,"),
    ("d: Buffer [3,2],", "d: Buffer[3, 2],"),
    (
        "e:Param[2,D]=normal(-0.5),",
        "e: Param[2, D] = normal(-0.5),",
    ),
    ("#[ frozen ]f:LayerNorm(8),", "#[frozen] f: LayerNorm(8),"),
    (
        "#[name=\"a.0\"] g: Sequential(x=ReLU,),",
        "#[name = \"a.0\"] g: Sequential(x = ReLU),",
    ),
    ("head.weight=token . weight,", "head.weight = token.weight,"),
    ("$( $fields )*", "$($fields)*"),
    (
        "$( #[$mark] ) ? $( $a : $b ) , * ,",
        "$(#[$mark])? $($a: $b),*,",
    ),
];

#[test]
fn fields() {
    for (before, after) in FIELDS {
        let lines = |line: &str| format!("    struct Net {{\n        {line}\n    }}");
        becomes(&lines(before), &lines(after));
    }
}

#[test]
fn items() {
    for (before, after) in [
        ("use const K,RATE:f64 ;", "use const K, RATE: f64;"),
        ("pub( crate )struct Net{ }", "pub(crate) struct Net {}"),
        ("struct Net;", "struct Net;"),
        ("struct Net{a:A,}", "struct Net { a: A }"),
        (
            "struct Block<const D:usize,const E:usize=4>where D>1,E<9{}",
            "struct Block<const D: usize, const E: usize = 4> where D > 1, E < 9 {}",
        ),
        (
            "struct T<const D : usize>{ }",
            "struct T<const D: usize> {}",
        ),
        (
            "#[custom(forward=f,backward=g)]fn c(x:[N])->[N] ;",
            "#[custom(forward = f, backward = g)] fn c(x: [N]) -> [N];",
        ),
        (
            "fn f(#[ grad ]x : u32[ B,.. ],y:[])->([..,D] ,bool[B]) where B>2{ x }",
            "fn f(#[grad] x: u32[B, ..], y: []) -> ([.., D], bool[B]) where B > 2 { x }",
        ),
        ("#[weights( \"a\" )]", "#[weights(\"a\")]"),
        ("[ $crate ]{ $( $tokens )* }", "[$crate] { $($tokens)* }"),
    ] {
        let indented = |line: &str| format!("    {line}");
        becomes(&indented(before), &indented(after));
    }
}
