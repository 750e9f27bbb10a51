//! Accounts and sessions.

use std::time::Duration;

use domain::{Clock, ErrorKind, Role, SystemClock, ports::SessionStore};
use services::accounts::{AccountSettings, HashingCost, Registration};

use crate::world::{FIRST_PAGE, PASSWORD, World, kind_of, login, register, registration};

#[tokio::test]
async fn name_and_address_both_sign_in_whatever_their_case() {
    let world = World::new();
    let accounts = world.accounts();
    let ada = register(&accounts, "Ada").await;
    for name in ["Ada", " ADA ", "ada@example.org", "Ada@Example.Org"] {
        let signed_in = login(&accounts, name, PASSWORD).await.unwrap();
        let actor = accounts.authenticate(&signed_in.access).await.unwrap();
        assert_eq!((actor.user_id, actor.role, signed_in.expires_in_s), (ada.id, Role::User, 900));
        assert_eq!(accounts.me(&actor).await.unwrap().username, "Ada");
    }
    assert_eq!(accounts.list_users(FIRST_PAGE).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn unknown_name_and_wrong_password_get_the_same_answer() {
    let world = World::new();
    let accounts = world.accounts();
    register(&accounts, "ada").await;
    let long = "x".repeat(100_000);
    for (name, password) in [("ada", "wrong password"), ("eve", PASSWORD), ("", ""), (&long, PASSWORD), ("ada", &long)]
    {
        let error = login(&accounts, name, password).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
        assert_eq!(error.detail(), "name and password do not match an account");
    }
}

#[tokio::test]
async fn unknown_name_costs_the_time_of_a_hash() {
    let world = World::new();
    let accounts = world.accounts_with(AccountSettings::default(), HashingCost::default());
    register(&accounts, "ada").await;
    let clock = SystemClock::default();
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..3 {
        for (fastest, name) in fastest.iter_mut().zip(["ada", "eve"]) {
            let before = clock.monotonic();
            assert!(login(&accounts, name, "wrong password").await.is_err());
            *fastest = (*fastest).min(clock.monotonic() - before);
        }
    }
    assert!(fastest[1] > fastest[0] / 2, "known {:?}, unknown {:?}", fastest[0], fastest[1]);
}

#[tokio::test]
async fn registration_names_every_faulty_field() {
    let world = World::new();
    let faulty = Registration { username: "a b".into(), email: "nowhere".into(), password: "short".into() };
    let error = world.accounts().register(faulty).await.unwrap_err();
    let fields: Vec<_> = error.fields().iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!((error.kind(), fields), (ErrorKind::ValidationFailed, vec!["username", "email", "password"]));
}

#[tokio::test]
async fn taken_names_and_addresses_are_told_apart() {
    let world = World::new();
    let accounts = world.accounts();
    register(&accounts, "ada").await;
    let same_name = Registration { email: "other@example.org".into(), ..registration("ADA") };
    assert_eq!(kind_of(accounts.register(same_name).await), ErrorKind::UsernameTaken);
    let same_address = Registration { username: "grace".into(), ..registration("ada") };
    assert_eq!(kind_of(accounts.register(same_address).await), ErrorKind::EmailTaken);
}

#[tokio::test]
async fn closed_registration_still_lets_the_command_line_make_accounts() {
    let world = World::new();
    let settings = AccountSettings { registration_open: false, ..AccountSettings::default() };
    let accounts = world.accounts_with(settings, HashingCost { memory_kib: 64, passes: 1, lanes: 1 });
    assert_eq!(kind_of(accounts.register(registration("ada")).await), ErrorKind::RegistrationClosed);
    let admin = accounts.create_user(registration("ada"), Role::Admin).await.unwrap();
    let signed_in = login(&accounts, "ada", PASSWORD).await.unwrap();
    let actor = accounts.authenticate(&signed_in.access).await.unwrap();
    assert_eq!((actor.user_id, actor.role), (admin.id, Role::Admin));
}

#[tokio::test]
async fn access_token_expires_and_refresh_gives_another() {
    let world = World::new();
    let accounts = world.accounts();
    register(&accounts, "ada").await;
    let first = login(&accounts, "ada", PASSWORD).await.unwrap();
    world.advance(906);
    assert_eq!(kind_of(accounts.authenticate(&first.access).await), ErrorKind::TokenExpired);
    let second = accounts.refresh(&first.refresh).await.unwrap();
    assert!(accounts.authenticate(&second.access).await.is_ok());
    assert_ne!(first.refresh, second.refresh);
    world.advance(604_801);
    assert_eq!(kind_of(accounts.refresh(&second.refresh).await), ErrorKind::SessionRevoked);
}

#[tokio::test]
async fn replayed_refresh_token_revokes_family() {
    let world = World::new();
    let accounts = world.accounts();
    register(&accounts, "ada").await;
    let (first, other) =
        (login(&accounts, "ada", PASSWORD).await.unwrap(), login(&accounts, "ada", PASSWORD).await.unwrap());
    let second = accounts.refresh(&first.refresh).await.unwrap();
    assert!(accounts.authenticate(&second.access).await.is_ok());
    assert_eq!(kind_of(accounts.refresh(&first.refresh).await), ErrorKind::RefreshReused);
    assert_eq!(kind_of(accounts.authenticate(&second.access).await), ErrorKind::SessionRevoked);
    assert_eq!(kind_of(accounts.refresh(&second.refresh).await), ErrorKind::SessionRevoked);
    assert!(accounts.authenticate(&other.access).await.is_ok(), "another sign-in is another family");
}

#[tokio::test]
async fn of_two_concurrent_refreshes_at_most_one_succeeds() {
    let world = World::new();
    let accounts = world.accounts();
    register(&accounts, "ada").await;
    let first = login(&accounts, "ada", PASSWORD).await.unwrap();
    let (a, b) = tokio::join!(accounts.refresh(&first.refresh), accounts.refresh(&first.refresh));
    assert!(a.is_err() || b.is_err());
}

#[tokio::test]
async fn tokens_of_nobody_are_invalid() {
    let world = World::new();
    let accounts = world.accounts();
    let unknown = format!("csr_rt_{}", "A".repeat(43));
    for token in ["", "nonsense", unknown.as_str()] {
        assert_eq!(kind_of(accounts.refresh(token).await), ErrorKind::InvalidToken);
        assert_eq!(kind_of(accounts.authenticate(token).await), ErrorKind::InvalidToken);
    }
}

#[tokio::test]
async fn logout_refuses_the_access_token_at_once_and_leaves_other_sessions() {
    let world = World::new();
    let accounts = world.accounts();
    register(&accounts, "ada").await;
    let (first, second) =
        (login(&accounts, "ada", PASSWORD).await.unwrap(), login(&accounts, "ada", PASSWORD).await.unwrap());
    let actor = accounts.authenticate(&first.access).await.unwrap();
    accounts.logout(&actor).await.unwrap();
    assert_eq!(kind_of(accounts.authenticate(&first.access).await), ErrorKind::SessionRevoked);
    assert_eq!(kind_of(accounts.refresh(&first.refresh).await), ErrorKind::SessionRevoked);
    let actor = accounts.authenticate(&second.access).await.unwrap();
    accounts.logout_all(&actor).await.unwrap();
    assert_eq!(kind_of(accounts.authenticate(&second.access).await), ErrorKind::SessionRevoked);
}

#[tokio::test]
async fn a_session_ended_elsewhere_is_refused_within_thirty_seconds() {
    let world = World::new();
    let accounts = world.accounts();
    let ada = register(&accounts, "ada").await;
    let signed_in = login(&accounts, "ada", PASSWORD).await.unwrap();
    let actor = accounts.authenticate(&signed_in.access).await.unwrap();
    let session = actor.session_id.unwrap();
    assert!(world.database.revoke(ada.id, session, world.context.now()).await.unwrap());
    world.advance(30);
    assert_eq!(kind_of(accounts.authenticate(&signed_in.access).await), ErrorKind::SessionRevoked);
}

#[tokio::test]
async fn people_see_and_end_only_their_own_sessions() {
    let world = World::new();
    let accounts = world.accounts();
    register(&accounts, "ada").await;
    register(&accounts, "eve").await;
    let signed_in = login(&accounts, "ada", PASSWORD).await.unwrap();
    let ada = accounts.authenticate(&signed_in.access).await.unwrap();
    let eve = accounts.authenticate(&login(&accounts, "eve", PASSWORD).await.unwrap().access).await.unwrap();
    let sessions = accounts.list_sessions(&ada).await.unwrap();
    assert_eq!(
        sessions.iter().map(|s| (s.user_agent.as_deref(), Some(s.id))).collect::<Vec<_>>(),
        [(Some("test"), ada.session_id)]
    );
    let id = sessions[0].id;
    assert_eq!(kind_of(accounts.revoke_session(&eve, id).await), ErrorKind::NotFound);
    assert!(accounts.authenticate(&signed_in.access).await.is_ok());
    accounts.revoke_session(&ada, id).await.unwrap();
    assert_eq!(kind_of(accounts.authenticate(&signed_in.access).await), ErrorKind::SessionRevoked);
    assert_eq!(kind_of(accounts.revoke_session(&ada, id).await), ErrorKind::NotFound);
}
