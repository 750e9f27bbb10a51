//! Reading GGUF files.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    ops::Range,
    path::Path,
};

use candle_core::{
    Device,
    quantized::{
        ggml_file::qtensor_from_ggml,
        gguf_file::{Content, Value},
    },
};

use super::super::kernels::QuantisedMatrix;

/// Rows of a matrix that are unpacked at a time.
const ROWS_PER_PIECE: usize = 1024;

/// An open GGUF file: its metadata, and its tensors on demand.
pub(crate) struct Gguf {
    content: Content,
    reader: BufReader<File>,
}

impl Gguf {
    /// Opens a file and reads its metadata.
    ///
    /// # Errors
    /// When it cannot be opened or is no GGUF file.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|e| format!("it cannot be opened: {e}"))?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let content = Content::read(&mut reader).map_err(|e| format!("it is no readable GGUF file: {e}"))?;
        Ok(Self { content, reader })
    }

    /// The parsed header, for the tokenizer.
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    fn value(&self, key: &str) -> Result<&Value, String> {
        self.content.metadata.get(key).ok_or_else(|| format!("its metadata has no `{key}`"))
    }

    /// A text of the metadata.
    pub(crate) fn text(&self, key: &str) -> Result<&str, String> {
        self.value(key)?.to_string().map(String::as_str).map_err(|e| format!("`{key}` is no text: {e}"))
    }

    /// A whole number of the metadata.
    pub(crate) fn number(&self, key: &str) -> Result<usize, String> {
        let value = self.value(key)?.to_u64().map_err(|e| format!("`{key}` is no whole number: {e}"))?;
        usize::try_from(value).map_err(|_| format!("`{key}` is {value}, which is too large"))
    }

    /// A fraction of the metadata.
    pub(crate) fn fraction(&self, key: &str) -> Result<f32, String> {
        self.value(key)?.to_f32().map_err(|e| format!("`{key}` is no number: {e}"))
    }

    /// Whether the file holds a tensor.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A tensor of any type, unpacked to `f32`, which must have exactly `len` values.
    pub(crate) fn tensor(&mut self, name: &str, len: usize) -> Result<Vec<f32>, String> {
        self.check(name, len)?;
        self.part(name, 0..len)
    }

    /// Tensors of the shape `(outputs, inputs)`, stacked by outputs.
    ///
    /// Read piece by piece: unpacking a whole vocabulary at once would take three times the memory of the model.
    pub(crate) fn matrix(&mut self, stack: &[(&str, usize)], inputs: usize) -> Result<QuantisedMatrix, String> {
        let mut matrix = QuantisedMatrix::with_inputs(inputs)?;
        for &(name, outputs) in stack {
            let len = outputs * inputs;
            self.check(name, len)?;
            let piece = ROWS_PER_PIECE * inputs;
            for start in (0..len).step_by(piece) {
                matrix.push_rows(&self.part(name, start..(start + piece).min(len))?);
            }
        }
        matrix.shrink();
        Ok(matrix)
    }

    fn check(&self, name: &str, len: usize) -> Result<(), String> {
        let info = self.content.tensor_infos.get(name).ok_or_else(|| format!("it has no tensor `{name}`"))?;
        match info.shape.elem_count() {
            n if n == len => Ok(()),
            n => Err(format!("its tensor `{name}` has {n} values where {len} belong")),
        }
    }

    fn part(&mut self, name: &str, range: Range<usize>) -> Result<Vec<f32>, String> {
        let failed = |e: &dyn std::fmt::Display| format!("its tensor `{name}` cannot be read: {e}");
        let info = self.content.tensor_infos.get(name).ok_or_else(|| failed(&"it is not there"))?;
        let (kind, block) = (info.ggml_dtype, info.ggml_dtype.block_size());
        if !range.start.is_multiple_of(block) || !range.end.is_multiple_of(block) {
            return Err(failed(&format!("its rows are no multiple of the {block} values of a {kind:?} block")));
        }
        let bytes = |values: usize| values / block * kind.type_size();
        let mut raw = vec![0; bytes(range.len())];
        let start = self.content.tensor_data_offset + info.offset + bytes(range.start) as u64;
        self.reader.seek(SeekFrom::Start(start)).map_err(|e| failed(&e))?;
        self.reader.read_exact(&mut raw).map_err(|e| failed(&e))?;
        qtensor_from_ggml(kind, &raw, vec![range.len()], &Device::Cpu)
            .and_then(|t| t.dequantize(&Device::Cpu)?.to_vec1::<f32>())
            .map_err(|e| failed(&e))
    }
}
