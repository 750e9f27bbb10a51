//! Reads: side by side, off the async workers, each on one snapshot.

use std::sync::Arc;

use diesel::{
    Connection as _,
    r2d2::{ConnectionManager, CustomizeConnection, Error as PoolError, Pool},
};
use domain::ports::StoreError;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{Connection, DatabaseFile};
use crate::{StorageOpenError, fault::Fault};

/// A pool of reading connections. As many reads run as there are connections; a bounded number waits.
pub(crate) struct Readers {
    pool: Pool<ConnectionManager<Connection>>,
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn open(file: &DatabaseFile) -> Result<Self, StorageOpenError> {
        let settings = file.settings();
        let pool = Pool::builder()
            .max_size(settings.pool_size)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(settings.busy_timeout)
            .connection_customizer(Box::new(Prepare(file.clone())))
            .build(ConnectionManager::new(file.address()?))
            .map_err(|error| file.refusal(error))?;
        let running = usize::try_from(settings.pool_size).unwrap_or(usize::MAX);
        Ok(Self {
            pool,
            admitted: Arc::new(Semaphore::new(running + settings.read_queue)),
            running: Arc::new(Semaphore::new(running)),
        })
    }

    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| StoreError::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| StoreError::Busy)?;
        let pool = self.pool.clone();
        let read = move || {
            // Held by the read itself: a caller who left does not make room before it has ended.
            let _places = (admitted, running);
            let mut conn = pool.get().map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            let conn: &mut Connection = &mut conn;
            conn.transaction(work).map_err(Fault::into_store)
        };
        spawn_blocking(read).await.unwrap_or_else(|error| Err(StoreError::Internal(Box::new(error))))
    }
}

#[derive(Debug)]
struct Prepare(DatabaseFile);

impl CustomizeConnection<Connection, PoolError> for Prepare {
    fn on_acquire(&self, conn: &mut Connection) -> Result<(), PoolError> {
        self.0.prepare_reader(conn).map_err(PoolError::QueryError)
    }
}
