use domain::{
    Email, NewUser, Username,
    ports::{Conflict, StoreError},
};

use super::{
    Stores,
    data::{self, read_both_ways},
};

pub(crate) async fn names_and_addresses_are_unique_without_case(stores: &Stores) {
    data::user(stores, "ada").await;
    let other = data::new_user(&stores.ids, "other");
    let same_name = NewUser { username: Username::parse("ADA").unwrap(), ..other.clone() };
    let taken = stores.users.insert(same_name).await.unwrap_err();
    assert!(matches!(taken, StoreError::Conflict(Conflict::Username)), "{taken:?}");
    let same_address = NewUser { email: Email::parse("Ada@Example.org").unwrap(), ..other };
    let taken = stores.users.insert(same_address).await.unwrap_err();
    assert!(matches!(taken, StoreError::Conflict(Conflict::Email)), "{taken:?}");
}

pub(crate) async fn users_are_found_by_name_and_by_address(stores: &Stores) {
    let ada = stores.users.insert(data::new_user(&stores.ids, "Ada")).await.unwrap();
    assert_eq!((ada.username.as_str(), ada.date_joined, ada.email_verified), ("Ada", data::at(0), false));
    for key in ["ada", "ada@example.org"] {
        assert_eq!(stores.users.find_by_login(key).await.unwrap().as_ref(), Some(&ada), "{key}");
    }
    assert_eq!(stores.users.find(ada.id).await.unwrap(), Some(ada));
    assert_eq!(stores.users.find_by_login("nobody").await.unwrap(), None);
    assert_eq!(stores.users.find(domain::UserId::new(&stores.ids)).await.unwrap(), None);
}

pub(crate) async fn a_refused_write_hurts_no_other(stores: &Stores) {
    let users: Vec<_> = (0..64).map(|n| data::new_user(&stores.ids, &format!("user{}", n / 2))).collect();
    let outcomes = futures::future::join_all(users.into_iter().map(|user| stores.users.insert(user))).await;
    let (stored, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((stored.len(), refused.len()), (32, 32));
    for error in refused.into_iter().filter_map(Result::err) {
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    }
    for user in stored.into_iter().flatten() {
        assert_eq!(stores.users.find(user.id).await.unwrap(), Some(user));
    }
}

pub(crate) async fn pages_by_cursor_and_by_number_agree(stores: &Stores) {
    let mut stored = Vec::new();
    for n in 0..7 {
        stored.push(data::user(stores, &format!("user{n}")).await);
    }
    let list = async |page| stores.users.list(page).await.unwrap();
    let (by_cursor, by_number, total) = read_both_ways!(3, list);
    assert_eq!(by_cursor.iter().map(|user| user.id).collect::<Vec<_>>(), stored);
    assert_eq!((by_number, total), (by_cursor, 7));
}
