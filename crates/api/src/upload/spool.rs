//! Bytes of an upload, counted against what a request may send and what the server may hold.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use domain::ErrorKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::UploadLimits;
use crate::error::ApiError;

const KIB: usize = 1024;

/// Counts what one request has sent and holds its share of the server's memory until the upload is done.
pub(super) struct Spool {
    limits: UploadLimits,
    memory: Arc<Semaphore>,
    received: u64,
    kept: usize,
    share: Option<OwnedSemaphorePermit>,
}

/// The bytes of one field; those of a file that is too large are dropped, so that the next can be read.
pub(super) struct FieldBytes {
    limit: u64,
    seen: u64,
    bytes: BytesMut,
}

impl FieldBytes {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, seen: 0, bytes: BytesMut::new() }
    }

    /// The content, or its size where that is over the limit.
    pub(super) fn finish(self) -> Result<Bytes, u64> {
        if self.seen > self.limit { Err(self.seen) } else { Ok(self.bytes.freeze()) }
    }
}

impl Spool {
    pub(super) fn new(limits: UploadLimits, memory: &Arc<Semaphore>) -> Self {
        Self { limits, memory: Arc::clone(memory), received: 0, kept: 0, share: None }
    }

    /// Takes a piece of a field in.
    pub(super) fn push(&mut self, field: &mut FieldBytes, chunk: &[u8]) -> Result<(), ApiError> {
        let length = chunk.len() as u64;
        field.seen += length;
        self.received += length;
        if self.received > self.limits.max_request_bytes {
            return Err(self.request_too_large(field));
        }
        if field.seen > field.limit {
            field.bytes = BytesMut::new();
            return Ok(());
        }
        self.reserve(chunk.len())?;
        field.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// The memory that is held; given back when dropped.
    pub(super) fn into_share(self) -> Option<OwnedSemaphorePermit> {
        self.share
    }

    /// Where the file alone is too large already, that is what the client should hear.
    fn request_too_large(&self, field: &FieldBytes) -> ApiError {
        if field.seen > field.limit && field.limit == self.limits.max_file_bytes {
            return file_too_large(self.limits.max_file_bytes);
        }
        let limit = self.limits.max_request_bytes;
        ApiError::new(
            ErrorKind::PayloadTooLarge,
            format!("an upload has at most {limit} bytes: send fewer files at once"),
        )
    }

    /// Reserves memory before it is used; an upload that finds none is refused at once, never half kept.
    fn reserve(&mut self, bytes: usize) -> Result<(), ApiError> {
        let held = self.share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        self.kept += bytes;
        let missing = self.kept.div_ceil(KIB).saturating_sub(held);
        let Ok(missing) = u32::try_from(missing) else { return Err(overloaded()) };
        if missing == 0 {
            return Ok(());
        }
        let more = Arc::clone(&self.memory).try_acquire_many_owned(missing).map_err(|_| overloaded())?;
        match &mut self.share {
            Some(share) => share.merge(more),
            None => self.share = Some(more),
        }
        Ok(())
    }
}

fn overloaded() -> ApiError {
    ApiError::new(ErrorKind::Overloaded, "too many files are being uploaded at once: try again in a moment")
}

/// A file is over `documents.max_upload_bytes`.
pub(super) fn file_too_large(limit: u64) -> ApiError {
    let detail = format!("a file has at most {limit} bytes (documents.max_upload_bytes): split it, or make it smaller");
    ApiError::new(ErrorKind::FileTooLarge, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> UploadLimits {
        UploadLimits { max_file_bytes: 4, max_request_bytes: 10, max_files: 3 }
    }

    #[test]
    fn file_over_its_limit_is_dropped_and_the_next_one_kept() {
        let memory = Arc::new(Semaphore::new(1));
        let mut spool = Spool::new(limits(), &memory);
        let mut large = FieldBytes::new(4);
        spool.push(&mut large, b"123").unwrap();
        spool.push(&mut large, b"45").unwrap();
        assert_eq!(large.finish(), Err(5));
        let mut small = FieldBytes::new(4);
        spool.push(&mut small, b"1234").unwrap();
        assert_eq!(small.finish(), Ok(Bytes::from_static(b"1234")));
    }

    #[test]
    fn request_over_its_limit_is_refused() {
        let mut spool = Spool::new(limits(), &Arc::new(Semaphore::new(1)));
        for _ in 0..2 {
            spool.push(&mut FieldBytes::new(4), b"1234").unwrap();
        }
        let refusal = spool.push(&mut FieldBytes::new(4), b"1234").unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::PayloadTooLarge);
        let mut spool = Spool::new(limits(), &Arc::new(Semaphore::new(1)));
        let refusal = spool.push(&mut FieldBytes::new(4), b"12345678901").unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::FileTooLarge);
    }

    #[test]
    fn memory_is_held_until_the_upload_is_done_and_never_exceeded() {
        let memory = Arc::new(Semaphore::new(2));
        let large = UploadLimits { max_file_bytes: 4096, max_request_bytes: 8192, max_files: 1 };
        let mut spool = Spool::new(large, &memory);
        let mut field = FieldBytes::new(4096);
        spool.push(&mut field, &[0; 1500]).unwrap();
        assert_eq!(memory.available_permits(), 0);
        assert_eq!(spool.push(&mut field, &[0; 1500]).unwrap_err().kind, ErrorKind::Overloaded);
        drop(spool.into_share());
        assert_eq!(memory.available_permits(), 2);
    }
}
