//! Gradients of the scalar functions, the same as PyTorch's at kinks and ties.

use crate::ir::{DType, Graph, NodeId};
use crate::scalar::Scalar;

/// One gradient for each operand of `y = f(args)`.
pub fn rule(
    g: &mut Graph,
    f: Scalar,
    y: NodeId,
    args: &[NodeId],
    dy: NodeId,
) -> Vec<Option<NodeId>> {
    use Scalar as S;
    let x = args[0];
    let one = |dx: NodeId| vec![Some(dx)];
    match f {
        S::Neg => one(g.neg(dy)),
        S::Abs => one(abs(g, x, dy)),
        S::Exp => one(g.mul2(dy, y)),
        S::Log => one(g.div2(dy, x)),
        S::Sqrt => {
            let half = g.scale(dy, 0.5);
            one(g.div2(half, y))
        }
        // d x^-1/2 = -1/2 x^-3/2 = -y^3 / 2; one factor at a time, since powers of y leave the range.
        S::Rsqrt => {
            let mut d = g.scale(dy, -0.5);
            for _ in 0..3 {
                d = g.mul2(d, y);
            }
            one(d)
        }
        S::Recip => {
            let d = g.mul2(dy, y);
            let d = g.mul2(d, y);
            one(g.neg(d))
        }
        S::Sin => {
            let c = g.unary(S::Cos, x);
            one(g.mul2(dy, c))
        }
        S::Cos => {
            let s = g.unary(S::Sin, x);
            let d = g.mul2(dy, s);
            one(g.neg(d))
        }
        // 1 - y^2
        S::Tanh => {
            let y2 = g.mul2(y, y);
            let d = one_minus(g, y2);
            one(g.mul2(dy, d))
        }
        // y (1 - y)
        S::Sigmoid => {
            let d = one_minus(g, y);
            let d = g.mul2(y, d);
            one(g.mul2(dy, d))
        }
        // 2 / sqrt(pi) exp(-x^2), and that of 1 - erf(x).
        S::Erf | S::Erfc => {
            let x2 = g.mul2(x, x);
            let n = g.neg(x2);
            let e = g.unary(S::Exp, n);
            let sign = if f == S::Erf { 1.0 } else { -1.0 };
            let d = g.scale(e, sign * std::f64::consts::FRAC_2_SQRT_PI);
            one(g.mul2(dy, d))
        }
        // Not y + 1, which rounds to 0 far below 0.
        S::Expm1 => {
            let e = g.unary(S::Exp, x);
            one(g.mul2(dy, e))
        }
        S::Log1p => {
            let d = g.shift(x, 1.0);
            one(g.div2(dy, d))
        }
        S::Relu => one(relu(g, y, dy)),
        S::Add if g[y].dtype == DType::Float => vec![Some(dy), Some(dy)],
        S::Sub => {
            let n = g.neg(dy);
            vec![Some(dy), Some(n)]
        }
        S::Mul => {
            let (a, b) = (g.mul2(dy, args[1]), g.mul2(dy, x));
            vec![Some(a), Some(b)]
        }
        // Divides the quotient, not dy: a small divisor makes dy / b infinite, and 0 times that is NaN.
        S::Div => {
            let a = g.div2(dy, args[1]);
            let b = g.div2(y, args[1]);
            let b = g.mul2(dy, b);
            let b = g.neg(b);
            vec![Some(a), Some(b)]
        }
        // The whole quotient is piecewise constant: `x - y trunc(x / y)`.
        S::Fmod => {
            let q = g.div2(x, args[1]);
            let (below, above, zero) = (g.unary(S::Ceil, q), g.unary(S::Floor, q), g.constant(0.0));
            let negative = g.binary(S::Lt, q, zero);
            let q = g.scalar(S::Where, &[negative, below, above]);
            let b = g.mul2(dy, q);
            let b = g.neg(b);
            vec![Some(dy), Some(b)]
        }
        S::Pow => pow(g, y, x, args[1], dy),
        S::Max | S::Min => extremum(g, f, x, args[1], dy),
        S::Where => {
            let zero = g.constant(0.0);
            let a = g.select(x, dy, zero);
            let b = {
                let shape = g.shape(x).clone();
                let zero = g.expand(zero, &shape);
                g.scalar(S::Where, &[x, zero, dy])
            };
            vec![None, Some(a), Some(b)]
        }
        S::Cast(DType::Float) if g[x].dtype == DType::Float => one(dy),
        S::Add
        | S::Sign
        | S::Floor
        | S::Ceil
        | S::Round
        | S::Eq
        | S::Ne
        | S::Lt
        | S::Le
        | S::Gt
        | S::Ge
        | S::And
        | S::Or
        | S::Not
        | S::Cast(_) => vec![None; args.len()],
    }
}

fn one_minus(g: &mut Graph, x: NodeId) -> NodeId {
    let one = g.constant(1.0);
    g.sub2(one, x)
}

/// 0 at 0 and at NaN.
fn abs(g: &mut Graph, x: NodeId, dy: NodeId) -> NodeId {
    let zero = g.constant(0.0);
    let n = g.neg(dy);
    let positive = g.binary(Scalar::Gt, x, zero);
    let negative = g.binary(Scalar::Lt, x, zero);
    let rest = g.select(negative, n, zero);
    g.scalar(Scalar::Where, &[positive, dy, rest])
}

/// 0 at 0; the whole gradient at NaN. Keeps y, which is positive where x is, so that x need not be stored.
fn relu(g: &mut Graph, y: NodeId, dy: NodeId) -> NodeId {
    let zero = g.constant(0.0);
    let off = g.binary(Scalar::Le, y, zero);
    g.select(off, zero, dy)
}

/// `x^e`: `e x^(e-1)`, 0 where `e` is 0; and `y ln x`, 0 where `x` is 0 and `e` is not negative.
fn pow(g: &mut Graph, y: NodeId, x: NodeId, e: NodeId, dy: NodeId) -> Vec<Option<NodeId>> {
    let zero = g.constant(0.0);
    let less = g.shift(e, -1.0);
    let power = g.binary(Scalar::Pow, x, less);
    let slope = g.mul2(e, power);
    let dx = g.mul2(dy, slope);
    let flat = g.binary(Scalar::Eq, e, zero);
    let shape = g.shape(dx).clone();
    let z = g.expand(zero, &shape);
    let dx = g.scalar(Scalar::Where, &[flat, z, dx]);

    let ln = g.unary(Scalar::Log, x);
    let slope = g.mul2(y, ln);
    let de = g.mul2(dy, slope);
    let at_zero = g.binary(Scalar::Eq, x, zero);
    let upward = g.binary(Scalar::Ge, e, zero);
    let still = g.scalar(Scalar::And, &[at_zero, upward]);
    let de = g.scalar(Scalar::Where, &[still, z, de]);
    vec![Some(dx), Some(de)]
}

/// Ties share the gradient, half each. At NaN both get all of it.
fn extremum(g: &mut Graph, f: Scalar, a: NodeId, b: NodeId, dy: NodeId) -> Vec<Option<NodeId>> {
    let loses = if f == Scalar::Max {
        Scalar::Lt
    } else {
        Scalar::Gt
    };
    let zero = g.constant(0.0);
    let tie = g.scalar(Scalar::Eq, &[a, b]);
    let half = g.scale(dy, 0.5);
    let share = g.select(tie, half, dy);
    let mut side = |a: NodeId, b: NodeId| {
        let miss = g.scalar(loses, &[a, b]);
        g.select(miss, zero, share)
    };
    let (da, db) = (side(a, b), side(b, a));
    vec![Some(da), Some(db)]
}
