//! The same computation on both devices.

use netform::Tensor;

pub use crate::close::close;

/// Pseudorandom floats: the same for the same seed.
pub fn random(shape: &[usize], seed: u64, range: (f64, f64)) -> Tensor {
    netform_networks::values::uniform::<f32>(shape, seed, range)
}

/// Results with their names.
#[derive(Default)]
pub struct Values(Vec<(String, Tensor)>);

impl Values {
    /// Adds a result.
    pub fn put(&mut self, name: impl Into<String>, value: Tensor) {
        self.0.push((name.into(), value));
    }

    /// Adds a number.
    pub fn number(&mut self, name: impl Into<String>, value: f64) {
        let value = Tensor::from_vec([], vec![value]).expect("one value");
        self.put(name, value);
    }

    /// Adds all parameters of a network, and its gradients if there are any.
    pub fn network(&mut self, net: &impl netform::Network) {
        for p in net.parameters().chain(net.buffers()) {
            self.put(p.name(), p.values().expect("values"));
            if let Ok(gradient) = net.gradient(p.name()) {
                self.put(format!("gradient of {}", p.name()), gradient);
            }
        }
    }
}

/// Compares all results.
pub fn all_close(what: &str, cuda: &Values, cpu: &Values, tolerance: f64) {
    assert_eq!(cuda.0.len(), cpu.0.len(), "{what}");
    for ((name, a), (other, b)) in cuda.0.iter().zip(&cpu.0) {
        assert_eq!(name, other, "{what}");
        close(&format!("{what}: {name}"), a, b, tolerance);
    }
}

/// A test that a function generic over the device returns the same [`Values`] on both.
macro_rules! same {
    ($($(#[$doc:meta])* $test:ident within $tolerance:expr;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $test() {
            let cuda = scenario::$test($crate::device::cuda()).unwrap();
            let cpu = scenario::$test(netform::Cpu::new()).unwrap();
            $crate::both::all_close(stringify!($test), &cuda, &cpu, $tolerance);
        }
    )*};
}
