//! Normal forms, quotients, and how dimensions are shown.

use super::*;

fn d(name: &str) -> Dim {
    Dim::named(name)
}
fn n(value: i64) -> Dim {
    Dim::from(value)
}

#[test]
fn normal_forms_are_equal_when_values_are() {
    assert_eq!(n(4).mul(&d("D")), d("D").mul(&n(4)));
    assert_eq!(
        d("B").add(&d("T")).mul(&d("B")),
        d("B").mul(&d("B")).add(&d("T").mul(&d("B")))
    );
    assert_ne!(d("B"), d("T"));
    assert_eq!(d("B").sub(&d("B")), n(0));
}

#[test]
fn parts_by_numbers_are_one_part() {
    let (c, b) = (d("C"), d("B"));
    let by = |n: i64| c.div(&Dim::from(n));
    let table = [
        (c.sub(&by(2)), by(2)),
        (by(2).add(&by(2)), c.clone()),
        (by(4).mul(&Dim::from(2)).add(&b), by(2).add(&b)),
        (by(4).add(&by(4)), by(2)),
        (by(2).sub(&by(4)), by(4)),
        (c.sub(&by(4).mul(&Dim::from(3))), by(4)),
        (by(2).add(&by(3)).add(&by(6)), c.clone()),
        (b.mul(&c).sub(&b.mul(&by(2))), b.mul(&by(2))),
        (b.add(&c).sub(&by(2)).sub(&b), by(2)),
        (c.sub(&by(2)).sub(&by(2)), Dim::from(0)),
        (c.mul(&Dim::from(-1)).div(&Dim::from(2)).add(&c), by(2)),
    ];
    for (k, (have, want)) in table.iter().enumerate() {
        assert_eq!(have, want, "{k}: {have} and {want}");
    }
    assert_eq!(by(2).div(&Dim::from(2)), by(4));
    assert_eq!(c.mul(&Dim::from(3)).div(&Dim::from(6)), by(2));
    assert_eq!(
        c.mul(&Dim::from(3)).div(&Dim::from(2)),
        by(2).mul(&Dim::from(3))
    );
    assert_eq!(c.add(&by(2)).to_string(), "3*(C/2)");
    let value = |a: &Atom| if *a == Atom::Named("C".into()) { 12 } else { 5 };
    assert_eq!(c.add(&by(2)).add(&by(3)).eval(&value), Some(22));
}

#[test]
fn every_quotient_cancels() {
    let (s, w, v) = (d("S"), d("W"), d("V"));
    let windows = s.div(&w).mul(&s.div(&w));
    assert_eq!(windows.mul(&w).mul(&w), s.mul(&s));
    assert_eq!(windows.mul(&w.mul(&w)), s.mul(&s));
    let (both, product) = (s.div(&w.mul(&v)), w.mul(&v));
    assert_eq!(both.mul(&product), s);
    assert_eq!(numel(&[both, v, w]), s);
}

#[test]
fn quotients_cancel_with_their_divisor() {
    let heads = d("D").div(&d("H"));
    assert_eq!(heads.mul(&d("H")), d("D"));
    assert_eq!(d("B").div(&n(2)).mul(&n(2)), d("B"));
    assert_eq!(d("B").div(&n(2)).mul(&n(4)), d("B").mul(&n(2)));
    assert_eq!(d("B").div(&n(2)).add(&d("B").div(&n(2))), d("B"));
    assert_eq!(d("B").mul(&n(12)).div_exact(&n(2)), Some(d("B").mul(&n(6))));
    assert_eq!(
        d("B").mul(&d("T")).div_exact(&d("B").div(&n(2))),
        Some(d("T").mul(&n(2)))
    );
    let sum = d("B").add(&n(1));
    assert_eq!(sum.mul(&d("T")).div_exact(&sum), Some(d("T")));
    assert_eq!(sum.div_exact(&d("B")), None);
}

#[test]
fn quotients_rounded_down_have_one_form() {
    let half = d("T").div_floor(&n(2));
    assert_eq!(d("T").sub(&n(2)).div_floor(&n(2)).add(&n(1)), half);
    assert_eq!(d("T").mul(&n(2)).add(&n(1)).div_floor(&n(2)), d("T"));
    assert_eq!(half.div_floor(&n(2)), d("T").div_floor(&n(4)));
    let patches = d("S").sub(&d("P")).div_floor(&d("P")).add(&n(1));
    assert_eq!(patches, d("S").div_floor(&d("P")));
    let left = d("T").add(&d("S")).sub(&d("P"));
    assert_eq!(left.div_floor(&d("S")).terms().count(), 1);
    let odd = d("T").sub(&n(1)).div_floor(&n(2));
    assert_eq!(odd.add(&n(1)), d("T").add(&n(1)).div_floor(&n(2)));
    for t in 1..20 {
        let env = |_: &Atom| t;
        let twice = half.add(&n(3)).div_floor(&n(3)).eval(&env);
        assert_eq!(twice, Some((t.div_euclid(2) + 3).div_euclid(3)));
        assert_eq!(odd.eval(&env), Some((t - 1).div_euclid(2)));
    }
}

#[test]
fn shown_as_a_user_would_write_them() {
    assert_eq!(d("T").mul(&n(2)).sub(&n(3)).to_string(), "2*T - 3");
    assert_eq!(d("D").div(&d("H")).to_string(), "D/H");
    assert_eq!(
        d("T").sub(&n(3)).div_floor(&n(2)).add(&n(1)).to_string(),
        "floor((T + 1)/2) - 1"
    );
    assert_eq!(show_shape(&[d("B"), n(8)]), "[B, 8]");
}

#[test]
fn evaluates() {
    let env = |atom: &Atom| {
        if *atom == Atom::Named("B".into()) {
            7
        } else {
            3
        }
    };
    assert_eq!(d("B").div_floor(&n(2)).add(&d("T")).eval(&env), Some(6));
    assert_eq!(
        d("B").div_floor(&d("T").sub(&d("T").add(&n(0)))).eval(&env),
        None
    );
}
