//! Accounts as another program would use them: `cargo run -p services --example register_and_login`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, sync::Arc};

use services::{
    Context,
    accounts::{
        AccountParts, AccountSettings, Accounts, Credentials, HashingSettings, PasswordHasherPool, Registration,
        TokenSigner,
    },
};
use storage::{Database, DatabaseSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = Database::open(DatabaseSettings::in_folder(folder.path()))?;
    database.migrate()?;
    let database = Arc::new(database);
    let context = Context::system();
    // A real program keeps its key: tokens signed with another one are refused.
    let mut key = [0_u8; 32];
    context.ids.fill_random(&mut key);
    let accounts = Accounts::new(AccountParts {
        users: database.clone(),
        sessions: database,
        passwords: PasswordHasherPool::start(HashingSettings::default())?,
        tokens: TokenSigner::hs256(&key)?,
        context,
        settings: AccountSettings::default(),
    });

    let registration = Registration {
        username: "ada".into(),
        email: "ada@example.org".into(),
        password: "a long enough password".into(),
    };
    let user = accounts.register(registration).await?;
    println!("registered {} as {}", user.username, user.id);

    let credentials = Credentials { login: "ADA".into(), password: "a long enough password".into(), user_agent: None };
    let signed_in = accounts.login(credentials).await?;
    let actor = accounts.authenticate(&signed_in.access).await?;
    println!("signed in for {} s, session {:?}", signed_in.expires_in_s, actor.session_id);

    let renewed = accounts.refresh(&signed_in.refresh).await?;
    accounts.authenticate(&renewed.access).await?;
    let replay = accounts.refresh(&signed_in.refresh).await;
    println!("the first refresh token again: {:?}", replay.err().map(|error| error.kind()));
    let ended = accounts.authenticate(&renewed.access).await;
    println!("and everything that came of it: {:?}", ended.err().map(|error| error.kind()));
    Ok(())
}
