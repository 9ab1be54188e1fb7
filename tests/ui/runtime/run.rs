//! A run writes through the buffers that it is given: safe code cannot make one.

use netform::__private::Run;
use netform::Cpu;

fn run<'a>(cpu: &'a Cpu, params: &'a netform::__private::CpuBuffer, arena: &'a mut netform::__private::CpuBuffer) {
    let _ = Run::new(cpu, "mine", params, None, arena, &[], 0, 0);
}

fn main() {}
