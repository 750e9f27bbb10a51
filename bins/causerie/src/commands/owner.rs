//! On whose behalf a command runs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{IdSource, PageRequest, Position, Role, SystemIds};
use secrecy::SecretString;
use services::{
    Actor,
    accounts::{Accounts, Registration},
};

/// Name of the account that is made when a command needs one and there is none.
const LOCAL_USER: &str = "local";

/// The account called `name`; without a name the only one there is, or a new one called `local`.
///
/// # Errors
/// An unknown name, or several accounts and no name.
pub(super) async fn owner(accounts: &Accounts, name: Option<&str>) -> Result<Actor, Box<dyn std::error::Error>> {
    if let Some(name) = name {
        let user = accounts.find_user(name).await?.ok_or_else(|| format!("there is no account `{name}`"))?;
        return Ok(Actor { user_id: user.id, session_id: None, role: user.role });
    }
    let two = accounts.list_users(PageRequest { limit: 2, position: Position::First }).await?.items;
    let user = match two.as_slice() {
        [] => {
            // Nobody knows this password: the account serves the command line until one is set.
            let registration = Registration {
                username: LOCAL_USER.to_owned(),
                email: format!("{LOCAL_USER}@localhost.localdomain"),
                password: random_password(),
            };
            accounts.create_user(registration, Role::User).await?
        }
        [only] => only.clone(),
        _ => return Err("there are several accounts: say which with --user NAME".into()),
    };
    Ok(Actor { user_id: user.id, session_id: None, role: user.role })
}

/// 256 bits that nobody is told.
fn random_password() -> SecretString {
    let mut bytes = [0_u8; 32];
    SystemIds.fill_random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes).into()
}
