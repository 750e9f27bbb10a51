//! Everything that Causerie keeps: accounts, conversations, documents, passages with their vectors, jobs and files.
//!
//! [`Database`] implements every row port of [`domain::ports`] over SQLite; [`LocalBlobs`] keeps files in a folder.
//! Keyword search is FTS5, dense search an exact scan over vectors cached in the process. The crate knows no HTTP,
//! no model provider and no use case: what a row means is decided above it.
//!
//! Read first: [`DatabaseSettings`] (what can be chosen), [`Database`] (how it is opened, and what one writer and
//! many readers mean for callers), [`StorageOpenError`] (why it may refuse to open).
//!
//! ```
//! use domain::ports::UserStore;
//! use domain::{Clock, Email, NewUser, Role, SystemClock, SystemIds, UserId, Username};
//! use storage::{Database, DatabaseSettings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let database = Database::open(DatabaseSettings::in_folder(folder.path()))?;
//! database.migrate()?;
//! let ada = NewUser {
//!     id: UserId::new(&SystemIds),
//!     username: Username::parse("ada")?,
//!     email: Email::parse("ada@example.org")?,
//!     password_hash: "$argon2id$…".into(),
//!     role: Role::User,
//!     date_joined: SystemClock::default().now(),
//! };
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let stored = UserStore::insert(&database, ada).await?;
//! assert_eq!(UserStore::find(&database, stored.id).await?, Some(stored));
//! # Ok::<(), domain::ports::StoreError>(())
//! # })?;
//! # Ok(())
//! # }
//! ```

mod blobs;
mod database;
mod error;
mod fault;
mod keyword;
mod paging;
mod rows;
mod schema;
mod settings;
mod sqlite;
mod stores;
mod value;
mod vectors;

pub use blobs::LocalBlobs;
pub use database::Database;
pub use error::StorageOpenError;
pub use settings::{DatabaseLocation, DatabaseSettings};
pub use sqlite::MigrationReport;
