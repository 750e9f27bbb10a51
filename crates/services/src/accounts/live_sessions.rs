//! What was lately read of sessions, so that not every request asks the store whether its session is alive.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{Role, SessionId};

/// How long a session is believed to be as it was read. Ending it in this process is seen at once; what happens
/// elsewhere (another node, a suspension) after this time.
const MAX_AGE: Duration = Duration::from_secs(30);
/// Sessions remembered: under 1 MB.
const CAPACITY: usize = 10_000;

#[derive(Clone, Copy)]
struct Seen {
    role: Role,
    at: Duration,
}

#[derive(Default)]
struct State {
    seen: HashMap<SessionId, Seen>,
    /// Counts endings, so that what was read before an ending is not remembered after it.
    endings: u64,
}

/// Sessions that were alive a moment ago.
#[derive(Default)]
pub(super) struct LiveSessions(Mutex<State>);

impl LiveSessions {
    /// The role of the session's account if the session was seen alive lately.
    pub(super) fn role_of(&self, id: SessionId, monotonic: Duration) -> Option<Role> {
        let state = self.lock();
        let seen = state.seen.get(&id)?;
        (monotonic.saturating_sub(seen.at) < MAX_AGE).then_some(seen.role)
    }

    /// To be taken before the store is read, and handed to [`LiveSessions::remember`].
    pub(super) fn endings(&self) -> u64 {
        self.lock().endings
    }

    /// Remembers a session that the store called alive, unless one was ended since `endings` was taken.
    pub(super) fn remember(&self, id: SessionId, role: Role, monotonic: Duration, endings: u64) {
        let mut state = self.lock();
        if state.endings != endings {
            return;
        }
        if state.seen.len() >= CAPACITY {
            state.seen.retain(|_, seen| monotonic.saturating_sub(seen.at) < MAX_AGE);
        }
        if state.seen.len() >= CAPACITY {
            state.seen.clear();
        }
        state.seen.insert(id, Seen { role, at: monotonic });
    }

    /// Forgets sessions; to be called after they were ended in the store.
    pub(super) fn forget(&self, ids: &[SessionId]) {
        let mut state = self.lock();
        state.endings += 1;
        for id in ids {
            state.seen.remove(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::SeededIds;

    use super::*;

    #[test]
    fn sessions_are_believed_for_thirty_seconds() {
        let (sessions, id) = (LiveSessions::default(), SessionId::new(&SeededIds::new(1)));
        sessions.remember(id, Role::Admin, Duration::from_secs(10), 0);
        assert_eq!(sessions.role_of(id, Duration::from_secs(39)), Some(Role::Admin));
        assert_eq!(sessions.role_of(id, Duration::from_secs(40)), None);
    }

    #[test]
    fn what_was_read_before_an_ending_is_not_remembered_after_it() {
        let (sessions, id) = (LiveSessions::default(), SessionId::new(&SeededIds::new(1)));
        let endings = sessions.endings();
        sessions.forget(&[id]);
        sessions.remember(id, Role::User, Duration::ZERO, endings);
        assert_eq!(sessions.role_of(id, Duration::ZERO), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (sessions, ids) = (LiveSessions::default(), SeededIds::new(1));
        for _ in 0..=CAPACITY {
            sessions.remember(SessionId::new(&ids), Role::User, Duration::ZERO, 0);
        }
        assert!(sessions.lock().seen.len() <= CAPACITY);
    }
}
