//! Writes: one thread, one connection, one transaction for everything that waits.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};

use diesel::Connection as _;
use domain::ports::StoreError;
use tokio::sync::oneshot;

use super::{Connection, DatabaseFile};
use crate::{
    StorageOpenError,
    fault::{Fault, Outage},
};

/// Writes that share one commit at most, so that the first of them is not answered late.
const MAX_GROUP: usize = 64;

/// The way to the writing thread, which ends when this is dropped.
pub(crate) struct Writer {
    queue: SyncSender<Message>,
}

enum Message {
    Write(Box<dyn QueuedWrite>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread. `on_rollback` runs on it whenever a group of writes was undone.
    pub(crate) fn start(
        file: DatabaseFile,
        connection: Connection,
        on_rollback: impl Fn() + Send + 'static,
    ) -> Result<Self, StorageOpenError> {
        let (queue, writes) = sync_channel(file.settings().write_queue);
        let path = file.path().to_owned();
        let worker = Worker { file, connection: Some(connection), on_rollback: Box::new(on_rollback) };
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || worker.serve(&writes))
            .map_err(|error| StorageOpenError::Engine { path, source: Box::new(error) })?;
        Ok(Self { queue })
    }

    /// Queues `work` and waits until it is committed. It runs in a savepoint: its failure undoes it alone.
    pub(crate) async fn submit<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write = Write { work: Some(work), outcome: None, reply };
        self.queue.try_send(Message::Write(Box::new(write))).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => Outage::unavailable("the writer is closed").to_store(),
        })?;
        answer.await.unwrap_or_else(|_| Err(Outage::unavailable("the writer has ended").to_store()))
    }

    /// Waits until everything queued so far is committed and the connection is closed.
    pub(crate) async fn close(&self) {
        let queue = self.queue.clone();
        let (reply, closed) = oneshot::channel();
        // The queue may be full, and this must wait its turn all the same.
        let sent = tokio::task::spawn_blocking(move || queue.send(Message::Close(reply)).is_ok()).await;
        if sent.unwrap_or(false) {
            let _ = closed.await;
        }
    }
}

/// A write whose caller waits.
trait QueuedWrite: Send {
    /// Does the work inside the group's transaction.
    ///
    /// # Errors
    /// Only what undoes the whole group.
    fn run(&mut self, conn: &mut Connection) -> Result<(), Outage>;

    /// Answers the caller, once it is known how the group ended.
    fn settle(self: Box<Self>, group: &Result<(), Outage>);
}

struct Write<T, W> {
    work: Option<W>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> QueuedWrite for Write<T, W>
where
    T: Send,
    W: FnOnce(&mut Connection) -> Result<T, Fault> + Send,
{
    fn run(&mut self, conn: &mut Connection) -> Result<(), Outage> {
        let Some(work) = self.work.take() else { return Ok(()) };
        // Noted where it happens: the engine may have ended the transaction by itself, and undoing the savepoint
        // then fails with an error that hides the cause.
        let mut broke = None;
        let noted = |conn: &mut Connection| work(conn).inspect_err(|fault| broke = fault.outage());
        let outcome = catch_unwind(AssertUnwindSafe(|| conn.transaction(noted)))
            .map_err(|_| Outage::internal("a write panicked; nothing of it was kept"))?;
        if let Some(outage) = broke.or_else(|| outcome.as_ref().err().and_then(Fault::outage)) {
            return Err(outage);
        }
        self.outcome = Some(outcome.map_err(Fault::into_store));
        Ok(())
    }

    fn settle(self: Box<Self>, group: &Result<(), Outage>) {
        let answer = match (self.outcome, group) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(outage)) => Err(outage.to_store()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Outage::internal("a write was committed without having run").to_store()),
        };
        // The caller may have left; the write stands all the same.
        let _ = self.reply.send(answer);
    }
}

struct Worker {
    file: DatabaseFile,
    connection: Option<Connection>,
    on_rollback: Box<dyn Fn() + Send>,
}

impl Worker {
    fn serve(mut self, writes: &Receiver<Message>) {
        while let Ok(message) = writes.recv() {
            let closing = match message {
                Message::Write(first) => self.commit_together(first, writes),
                Message::Close(reply) => Some(reply),
            };
            if let Some(reply) = closing {
                self.disconnect();
                let _ = reply.send(());
                return;
            }
        }
    }

    /// Runs `first` and what waits behind it in one transaction, then answers all of them. Answers whom to tell
    /// when the writer is to close.
    fn commit_together(
        &mut self,
        first: Box<dyn QueuedWrite>,
        writes: &Receiver<Message>,
    ) -> Option<oneshot::Sender<()>> {
        let mut group = Group { writes: vec![first], closing: None };
        let ended = match self.connected() {
            Ok(conn) => group.commit(conn, writes),
            Err(outage) => Err(outage),
        };
        if let Err(outage) = &ended {
            tracing::error!(?outage, undone = group.writes.len(), "the database refused a transaction");
            self.disconnect();
            (self.on_rollback)();
        }
        for write in group.writes {
            write.settle(&ended);
        }
        group.closing
    }

    /// The connection, made anew where an outage ended the last one: this is how the server recovers by itself.
    fn connected(&mut self) -> Result<&mut Connection, Outage> {
        if self.connection.is_none() {
            let conn = self.file.connect_writer().map_err(|error| Outage::unavailable(&error.to_string()))?;
            self.connection = Some(conn);
        }
        self.connection.as_mut().ok_or_else(|| Outage::unavailable("not connected"))
    }

    fn disconnect(&mut self) {
        if let Some(conn) = self.connection.take() {
            // Closing a connection whose disk is gone may panic inside diesel; the thread must outlive that.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(conn)));
        }
    }
}

struct Group {
    writes: Vec<Box<dyn QueuedWrite>>,
    closing: Option<oneshot::Sender<()>>,
}

impl Group {
    fn commit(&mut self, conn: &mut Connection, waiting: &Receiver<Message>) -> Result<(), Outage> {
        // As above: rolling back what the engine has rolled back already would hide the cause.
        let mut broke = None;
        let ended = conn.immediate_transaction(|conn| {
            self.run_all(conn, waiting).inspect_err(|outage| broke = Some(outage.clone()))
        });
        broke.map_or(ended, Err)
    }

    fn run_all(&mut self, conn: &mut Connection, waiting: &Receiver<Message>) -> Result<(), Outage> {
        let mut ran = 0;
        while let Some(write) = self.writes.get_mut(ran) {
            write.run(conn)?;
            ran += 1;
            if ran < MAX_GROUP && self.closing.is_none() {
                self.take_next(waiting);
            }
        }
        Ok(())
    }

    fn take_next(&mut self, waiting: &Receiver<Message>) {
        match waiting.try_recv() {
            Ok(Message::Write(next)) => self.writes.push(next),
            Ok(Message::Close(reply)) => self.closing = Some(reply),
            Err(_) => {}
        }
    }
}
