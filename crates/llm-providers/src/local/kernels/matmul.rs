//! A safe face on the `gemm` crate: products of strided views.

use gemm::Parallelism;

/// A view of `rows` × `columns` values at any distance from each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows that lie `row_stride` values apart, each contiguous.
    pub(crate) fn rows(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        let view = Self { data, rows, columns, row_stride, column_stride: 1 };
        assert!(reach(rows, columns, row_stride, 1) <= data.len(), "a {rows} x {columns} view does not fit its data");
        view
    }

    /// Rows and columns exchanged; nothing moves.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A writable view whose rows are contiguous and lie `row_stride` values apart.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// See [`Matrix::rows`].
    pub(crate) fn rows(data: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(row_stride >= columns, "rows of {columns} values overlap at a distance of {row_stride}");
        assert!(reach(rows, columns, row_stride, 1) <= data.len(), "a {rows} x {columns} view does not fit its data");
        Self { data, rows, columns, row_stride }
    }
}

/// One past the last value that a view touches.
fn reach(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> usize {
    if rows == 0 || columns == 0 { 0 } else { (rows - 1) * row_stride + (columns - 1) * column_stride + 1 }
}

/// `out = factor * left * right`
pub(crate) fn multiply(out: &mut MatrixMut<'_>, left: Matrix<'_>, right: Matrix<'_>, factor: f32) {
    product(out, left, right, Sum { keep: false, factor });
}

/// What becomes of a product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    /// Whether it is added to what is there.
    pub(super) keep: bool,
    /// What it is multiplied by.
    pub(super) factor: f32,
}

#[allow(unsafe_code, reason = "the only door to the gemm crate; its pointers are checked here")]
pub(super) fn product(out: &mut MatrixMut<'_>, left: Matrix<'_>, right: Matrix<'_>, sum: Sum) {
    assert_eq!((out.rows, out.columns), (left.rows, right.columns), "shape of the product");
    assert_eq!(left.columns, right.rows, "inner dimension of the product");
    // Strides stay below the length of a slice, which is below isize::MAX.
    let stride = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
    // SAFETY: the constructors of the views proved that every row and column index below the stated shape lies in
    // its slice; `out` is borrowed exclusively, so it aliases neither operand, and its rows do not overlap.
    unsafe {
        gemm::gemm(
            out.rows,
            out.columns,
            left.columns,
            out.data.as_mut_ptr(),
            1,
            stride(out.row_stride),
            sum.keep,
            left.data.as_ptr(),
            stride(left.column_stride),
            stride(left.row_stride),
            right.data.as_ptr(),
            stride(right.column_stride),
            stride(right.row_stride),
            1.0,
            sum.factor,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_matches_a_hand_count() {
        let left = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let right = [1.0, 0.0, 2.0, 0.0, 1.0, 3.0];
        let mut out = [10.0; 4];
        let a = Matrix::rows(&left, 2, 3, 3);
        let b = Matrix::rows(&right, 2, 3, 3).transposed();
        multiply(&mut MatrixMut::rows(&mut out, 2, 2, 2), a, b, 2.0);
        assert_eq!(out, [14.0, 22.0, 32.0, 46.0]);
        product(&mut MatrixMut::rows(&mut out, 2, 2, 2), a, b, Sum { keep: true, factor: 1.0 });
        assert_eq!(out, [21.0, 33.0, 48.0, 69.0]);
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn view_past_the_end_of_its_data_is_refused() {
        let _ = Matrix::rows(&[0.0; 5], 2, 3, 3);
    }
}
