use domain::{
    Session,
    ports::{Rotation, RotationOutcome},
};

use super::{Stores, data};

fn rotation(presented: &str, next: &str, second: u64) -> Rotation {
    Rotation {
        presented_hash: presented.into(),
        next_hash: next.into(),
        now: data::at(second),
        expires_at: data::at(second + 1000),
    }
}

async fn signed_in(stores: &Stores, hash: &str) -> Session {
    let user = data::user(stores, &format!("user-{hash}")).await;
    let session = data::session(&stores.ids, user);
    stores.sessions.insert(session.clone(), hash.into()).await.unwrap();
    session
}

pub(crate) async fn rotation_replaces_the_token(stores: &Stores) {
    let session = signed_in(stores, "one").await;
    assert_eq!(stores.sessions.find(session.id).await.unwrap().as_ref(), Some(&session));
    let outcome = stores.sessions.rotate(rotation("one", "two", 5)).await.unwrap();
    let expected = Session { last_used_at: data::at(5), expires_at: data::at(1005), ..session };
    assert_eq!(outcome, RotationOutcome::Rotated(expected.clone()));
    assert_eq!(stores.sessions.find(expected.id).await.unwrap(), Some(expected));
    let outcome = stores.sessions.rotate(rotation("two", "three", 6)).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated(_)));
}

pub(crate) async fn replayed_refresh_token_revokes_family(stores: &Stores) {
    let session = signed_in(stores, "one").await;
    stores.sessions.rotate(rotation("one", "two", 1)).await.unwrap();
    let replay = stores.sessions.rotate(rotation("one", "evil", 2)).await.unwrap();
    let RotationOutcome::Replayed(revoked) = replay else { panic!("{replay:?}") };
    assert_eq!((revoked.id, revoked.revoked_at), (session.id, Some(data::at(2))));
    assert_eq!(stores.sessions.rotate(rotation("two", "x", 3)).await.unwrap(), RotationOutcome::Ended);
    assert_eq!(stores.sessions.rotate(rotation("evil", "x", 3)).await.unwrap(), RotationOutcome::Unknown);
}

pub(crate) async fn expired_and_unknown_tokens_are_told_apart(stores: &Stores) {
    signed_in(stores, "one").await;
    assert_eq!(stores.sessions.rotate(rotation("one", "x", 1000)).await.unwrap(), RotationOutcome::Ended);
    assert_eq!(stores.sessions.rotate(rotation("none", "x", 1)).await.unwrap(), RotationOutcome::Unknown);
}

pub(crate) async fn one_of_two_concurrent_rotations_wins(stores: &Stores) {
    let session = signed_in(stores, "one").await;
    let (a, b) =
        tokio::join!(stores.sessions.rotate(rotation("one", "a", 1)), stores.sessions.rotate(rotation("one", "b", 1)));
    let outcomes = [a.unwrap(), b.unwrap()];
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, RotationOutcome::Rotated(_))).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, RotationOutcome::Replayed(_))).count(), 1);
    assert!(stores.sessions.find(session.id).await.unwrap().unwrap().revoked_at.is_some());
}

pub(crate) async fn revoking_ends_only_own_live_sessions(stores: &Stores) {
    let (mine, other) = (signed_in(stores, "one").await, signed_in(stores, "two").await);
    assert!(!stores.sessions.revoke(other.user_id, mine.id, data::at(1)).await.unwrap());
    assert!(stores.sessions.revoke(mine.user_id, mine.id, data::at(1)).await.unwrap());
    assert!(!stores.sessions.revoke(mine.user_id, mine.id, data::at(2)).await.unwrap());
    let second = data::session(&stores.ids, mine.user_id);
    stores.sessions.insert(second.clone(), "three".into()).await.unwrap();
    assert_eq!(stores.sessions.revoke_all(mine.user_id, data::at(3)).await.unwrap(), [second.id]);
    assert_eq!(stores.sessions.find(other.id).await.unwrap(), Some(other));
}

pub(crate) async fn live_sessions_are_listed_newest_first(stores: &Stores) {
    let first = signed_in(stores, "one").await;
    let second =
        Session { created_at: data::at(9), expires_at: data::at(20), ..data::session(&stores.ids, first.user_id) };
    stores.sessions.insert(second.clone(), "two".into()).await.unwrap();
    signed_in(stores, "three").await;
    let listed = async |second| stores.sessions.list(first.user_id, data::at(second)).await.unwrap();
    assert_eq!(listed(10).await, [second, first.clone()]);
    assert_eq!(listed(20).await, std::slice::from_ref(&first));
    stores.sessions.revoke(first.user_id, first.id, data::at(21)).await.unwrap();
    assert_eq!(listed(22).await, []);
}
