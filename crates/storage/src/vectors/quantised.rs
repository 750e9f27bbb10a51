//! One vector in a quarter of its size, and the arithmetic on it.

/// Largest magnitude of a code.
const MAX_CODE: f32 = 127.0;

/// A vector as one signed byte for each component, and the factor that brings the bytes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quantised {
    pub(crate) codes: Vec<i8>,
    pub(crate) scale: f32,
}

impl Quantised {
    /// Each component is off by at most half of `scale`.
    pub(crate) fn of(vector: &[f32]) -> Self {
        let mut codes = Vec::with_capacity(vector.len());
        let scale = quantise_into(vector, &mut codes);
        Self { codes, scale }
    }
}

/// Appends the codes of `vector` to `codes` and answers their scale.
pub(crate) fn quantise_into(vector: &[f32], codes: &mut Vec<i8>) -> f32 {
    let largest = vector.iter().fold(0.0_f32, |largest, component| largest.max(component.abs()));
    let scale = largest / MAX_CODE;
    let factor = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    #[allow(clippy::cast_possible_truncation, reason = "scaled to ±127 and rounded; a cast from float saturates")]
    codes.extend(vector.iter().map(|component| (component * factor).round() as i8));
    scale
}

/// Dot product of codes, exact for up to 130,000 components. Written so that the compiler makes vector code of it.
pub(crate) fn dot_codes(a: &[i8], b: &[i8]) -> i32 {
    const LANES: usize = 32;
    let (a_parts, a_rest) = a.as_chunks::<LANES>();
    let (b_parts, b_rest) = b.as_chunks::<LANES>();
    let mut sum = 0_i32;
    for (a, b) in a_parts.iter().zip(b_parts) {
        let mut part = 0_i32;
        for lane in 0..LANES {
            part += i32::from(i16::from(a[lane]) * i16::from(b[lane]));
        }
        sum += part;
    }
    sum + a_rest.iter().zip(b_rest).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>()
}

/// Dot product of exact vectors; their cosine where both have unit length.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The form in the database: components in little-endian order.
pub(crate) fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|component| component.to_le_bytes()).collect()
}

/// Reads [`to_bytes`] back into `vector`.
pub(crate) fn from_bytes(bytes: &[u8], vector: &mut Vec<f32>) {
    vector.clear();
    vector.extend(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_every_bit() {
        let vector = [0.0, -0.0, 1.0, f32::MIN_POSITIVE, 0.1];
        let mut read = vec![9.0];
        from_bytes(&to_bytes(&vector), &mut read);
        assert!(vector.iter().zip(&read).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert_eq!(vector.len(), read.len());
    }

    #[test]
    fn a_component_is_off_by_half_a_step_at_most() {
        let vector: Vec<f32> = (0_i16..50).map(|n| (f32::from(n) - 20.0) / 31.0).collect();
        let quantised = Quantised::of(&vector);
        for (component, code) in vector.iter().zip(&quantised.codes) {
            assert!((component - f32::from(*code) * quantised.scale).abs() <= quantised.scale / 2.0 + f32::EPSILON);
        }
    }

    #[test]
    fn dot_of_codes_takes_any_length() {
        for length in [0_usize, 1, 31, 32, 33, 384] {
            let codes = vec![-127_i8; length];
            assert_eq!(dot_codes(&codes, &codes), i32::try_from(length).unwrap() * 127 * 127);
        }
    }

    #[test]
    fn a_vector_of_zeros_has_a_scale_of_zero() {
        assert_eq!(Quantised::of(&[0.0; 3]), Quantised { codes: vec![0; 3], scale: 0.0 });
    }
}
