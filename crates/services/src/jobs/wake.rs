use std::sync::Arc;

use tokio::sync::Notify;

/// Rings when work was queued in this process, so that a worker need not wait for its next look. Clones share the bell.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Wakes one idle worker, or the next that becomes idle.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn rung(&self) {
        self.0.notified().await;
    }
}
