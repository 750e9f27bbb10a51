//! The arithmetic of the two local models, on plain slices of `f32`.
//!
//! Everything here is written against the narrowest CPU and dispatched at run time to what the machine has
//! (AVX2, AVX-512, NEON) through `pulp` and `gemm`, so one binary runs everywhere and no compiler flag is needed.
//! None of it uses a process-wide thread pool: a caller says how many threads a product may use ([`Threads`]).

/// Defines a function whose body is compiled for every instruction set that matters and chosen at run time.
///
/// A plain closure given to `pulp` is not always inlined into the function that carries the instruction set, and
/// then runs as SSE2 code, four times slower; a method that is always inlined is.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),+ $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),+) {
            #[allow(non_camel_case_types)]
            struct Call<$($arg),+>($($arg),+);
            impl pulp::WithSimd for Call<$($type),+> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) {
                    let Call($($arg),+) = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Call($($arg),+));
        }
    };
}

mod activation;
mod matmul;
mod norm;
mod panel;
mod quantised;
mod sum;

pub(crate) use activation::{gelu, silu_times, softmax, softmax_causal};
pub(crate) use matmul::{Matrix, MatrixMut, multiply};
pub(crate) use norm::{layer_norm, rms_norm};
pub(crate) use panel::Linear;
pub(crate) use quantised::QuantisedMatrix;

/// How many threads one product may use.
///
/// Above one, the caller runs inside a rayon pool of that size (`ThreadPool::install`); at one nothing is handed
/// to any pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Threads(pub(crate) usize);

impl Threads {
    /// Everything on the calling thread.
    pub(crate) const ONE: Self = Self(1);

    pub(crate) fn is_one(self) -> bool {
        self.0 <= 1
    }
}

/// `to[i] += from[i]`
pub(crate) fn add(to: &mut [f32], from: &[f32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
