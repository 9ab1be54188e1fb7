//! Tensors by name: the inputs of a case, and the results of a run.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use netform::files::safetensors;
use netform::optim::OptimizerState;
use netform::{Float, Tensor};

/// The reason why a case cannot be run.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Tensors by name.
#[derive(Clone, Debug, Default)]
pub struct Tensors(BTreeMap<String, Tensor>);

impl Tensors {
    /// All tensors of a safetensors file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Failure> {
        Ok(Self(safetensors::read(path)?.into_iter().collect()))
    }

    /// The tensor of a name, if there is one.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// The tensor of a name.
    pub fn at(&self, name: &str) -> Result<&Tensor, Failure> {
        self.get(name)
            .ok_or_else(|| format!("there is no tensor `{name}`").into())
    }

    /// The numbers of a tensor.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>, Failure> {
        Ok(self.at(name)?.to_f64_vec())
    }

    /// Item `i` along the first dimension.
    pub fn row(&self, name: &str, i: usize) -> Result<Tensor, Failure> {
        let all = self.at(name)?;
        let shape = &all.shape()[1..];
        let len: usize = shape.iter().product();
        let values = all.to_f64_vec();
        let row = values
            .get(i * len..(i + 1) * len)
            .ok_or_else(|| format!("`{name}` has no item {i}"))?;
        Ok(Tensor::from_vec(shape, row.to_vec())?)
    }

    /// Keeps a tensor.
    pub fn put(&mut self, name: impl Into<String>, tensor: Tensor) {
        self.0.insert(name.into(), tensor);
    }

    /// Keeps a number.
    pub fn put_number(&mut self, name: &str, value: impl Float) {
        self.put(name, Tensor::scalar(value.to_f64()));
    }

    /// Keeps a list of numbers.
    pub fn put_numbers(&mut self, name: &str, values: Vec<f64>) {
        self.put(name, Tensor::from(values));
    }

    /// Keeps rows of numbers in the shape of the given tensor of this name: a matrix, or the first number of each row.
    pub fn put_rows(&mut self, name: &str, rows: &[Vec<f64>], given: &Self) -> Result<(), Failure> {
        let all: Vec<f64> = match given.get(name).is_some_and(|t| t.shape().len() == 2) {
            true => rows.concat(),
            false => rows.iter().filter_map(|r| r.first().copied()).collect(),
        };
        let shape = given
            .get(name)
            .map_or(vec![all.len()], |t| t.shape().to_vec());
        self.put(name, Tensor::from_vec(shape, all)?);
        Ok(())
    }

    /// Adds one item of a sequence: the tensors of a name become one tensor with an additional first dimension.
    pub fn push(&mut self, name: &str, item: &Tensor) -> Result<(), Failure> {
        let mut values = self.get(name).map_or(Vec::new(), Tensor::to_f64_vec);
        let steps = self.get(name).map_or(0, |t| t.shape()[0]);
        values.extend(item.to_f64_vec());
        let mut shape = vec![steps + 1];
        shape.extend(item.shape());
        self.put(name, Tensor::from_vec(shape, values)?);
        Ok(())
    }

    /// Keeps an optimizer's state under PyTorch's names; `params` are the parameters in order.
    pub fn put_state(&mut self, state: &OptimizerState, params: &[&str]) {
        let at = |param: &str| params.iter().position(|p| *p == param);
        for (moment, param, values) in &state.moments {
            if let Some(i) = at(param) {
                self.put(format!("out.state.{i}.{moment}"), values.clone());
            }
        }
        for p in &state.params {
            if let Some(i) = at(&p.name) {
                self.put_number(&format!("out.state.{i}.step"), p.t as f64);
                self.put_number(&format!("out.state.{i}.mu_product"), p.carried);
            }
        }
    }
}
