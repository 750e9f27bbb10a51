//! How many replies one user may have running.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{ErrorKind, UserId};

use crate::ServiceError;

/// Counts running replies by user.
#[derive(Default)]
pub(crate) struct Permits {
    running: Mutex<HashMap<UserId, u32>>,
}

/// The right to run one reply; given back when dropped.
pub(crate) struct Permit {
    permits: Arc<Permits>,
    user: UserId,
}

impl Permits {
    pub(crate) fn acquire(self: &Arc<Self>, user: UserId, most: u32) -> Result<Permit, ServiceError> {
        let mut running = self.lock();
        let count = running.entry(user).or_default();
        if *count >= most {
            let detail = format!("{most} replies are running already (turn.max_running_per_user): wait for one to end");
            return Err(ServiceError::refuse(ErrorKind::TooManyRunning, detail));
        }
        *count += 1;
        Ok(Permit { permits: Arc::clone(self), user })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, u32>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut running = self.permits.lock();
        if let Some(count) = running.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::SeededIds;

    use super::*;

    #[test]
    fn one_reply_too_many_is_refused_until_one_ends() {
        let permits = Arc::new(Permits::default());
        let (ids, most) = (SeededIds::new(1), 2);
        let (ada, ben) = (UserId::new(&ids), UserId::new(&ids));
        let first = permits.acquire(ada, most).unwrap();
        let _second = permits.acquire(ada, most).unwrap();
        assert_eq!(permits.acquire(ada, most).err().map(|e| e.kind()), Some(ErrorKind::TooManyRunning));
        assert!(permits.acquire(ben, most).is_ok());
        drop(first);
        assert!(permits.acquire(ada, most).is_ok());
    }
}
