//! Who may do what: the one table of roles and rights.

pub mod scopes;

use super::article::{Action, PublishKind, Situation, Stage};
use super::input::words;
use super::user::{Actor, Role};

/// What an operation needs. `http::extract::Can` proves one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Any user who is signed in.
    SignedIn,
    /// Read the editorial side, write own articles, upload media.
    Write,
    /// Change any article, caption or medium.
    Edit,
    /// Decide what readers see; manage categories.
    Publish,
    /// Manage users and the portal.
    Administer,
}

/// Does one of the roles carry the right?
pub fn has(roles: &[Role], right: Right) -> bool {
    roles.iter().any(|role| match right {
        Right::SignedIn => true,
        Right::Write => matches!(role, Role::Reporter | Role::Editor | Role::Publisher),
        Right::Edit => matches!(role, Role::Editor | Role::Publisher),
        Right::Publish => matches!(role, Role::Publisher),
        Right::Administer => matches!(role, Role::Admin),
    })
}

/// May the actor know of this article? Nobody knows of those that stand in categories where their
/// roles do not hold; reporters know those that they made or that are assigned to them.
pub fn may_edit(actor: &Actor, article: &Situation) -> bool {
    let own = actor.user_id == article.created_by || article.assigned_to == Some(actor.user_id);
    let by_role = has(&actor.roles, Right::Edit) || (has(&actor.roles, Right::Write) && own);
    by_role && actor.reach.covers(&article.path)
}

/// Do the actor's roles hold everywhere that the action touches? What changes the public side
/// touches the category in which readers see the article or are to see it, beside that of the
/// working copy.
pub fn reaches(actor: &Actor, article: &Situation, action: Action) -> bool {
    let is_public = right_for(article, action) == Right::Publish;
    let mut public = article.public_paths.iter();
    actor.reach.covers(&article.path) && (!is_public || public.all(|path| actor.reach.covers(path)))
}

/// May the actor do this to the article as it stands? The one table of states, actions and roles.
pub fn may(actor: &Actor, article: &Situation, action: Action) -> bool {
    may_edit(actor, article)
        && has(&actor.roles, right_for(article, action))
        && reaches(actor, article, action)
        && article.allows(action)
}

fn right_for(article: &Situation, action: Action) -> Right {
    match action {
        // What was handed in is the editors' until it is recalled.
        Action::Save | Action::Delete
            if matches!(article.stage, Stage::Submitted | Stage::Approved) =>
        {
            Right::Edit
        }
        Action::Save | Action::Delete | Action::Submit | Action::Recall => Right::Write,
        Action::Return | Action::Approve => Right::Edit,
        Action::Publish
        | Action::Unschedule
        | Action::Withdraw
        | Action::Archive
        | Action::TakeDown
        | Action::Restore => Right::Publish,
    }
}

/// The actions open to this actor; to an API token, no more than its scopes open.
pub fn allowed_actions(actor: &Actor, article: &Situation) -> Vec<Action> {
    let in_scope = |action: Action| {
        let scope = scopes::scope_of_action(action);
        let token = actor.token.as_ref();
        token.is_none_or(|token| scope.is_some_and(|scope| token.scopes.contains(&scope)))
    };
    Action::ALL
        .iter()
        .copied()
        .filter(|action| may(actor, article, *action) && in_scope(*action))
        .collect()
}

words! {
    /// Must somebody else publish what one has written?
    FourEyes { On = "on", ExceptMinor = "except_minor", Off = "off" }
}

impl FourEyes {
    /// May somebody publish who wrote an edition since the last public one?
    pub fn lets_authors(self, kind: Option<PublishKind>) -> bool {
        match self {
            Self::On => false,
            Self::ExceptMinor => kind == Some(PublishKind::Minor),
            Self::Off => true,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::domain::article::PublicState;
    use crate::domain::content::PersonName;
    use crate::domain::id::{CategoryId, EditionNumber, UserId};
    use crate::domain::reach::{Granted, Reach};
    use crate::domain::slug::Slug;
    use crate::domain::user::Login;

    const HERE: &[i64] = &[1, 2, 3];
    const ELSEWHERE: &[i64] = &[1, 4];

    fn path(ids: &[i64]) -> Vec<CategoryId> {
        ids.iter().copied().map(CategoryId::stored).collect()
    }

    fn actor(role: Role, reach: Reach) -> Actor {
        Actor {
            user_id: UserId::stored(1),
            session_id: None,
            login: Login::parse("minh.an").unwrap(),
            name: PersonName::stored("Minh An".to_owned()),
            roles: vec![role],
            reach,
            token: None,
            pending: None,
        }
    }

    fn only(ids: &[i64]) -> Reach {
        let granted = ids.iter().map(|id| Granted {
            id: CategoryId::stored(*id),
            slug: Slug::stored(format!("muc-{id}")),
        });
        Reach::Only(granted.collect())
    }

    /// An article in every situation that matters, in one category, seen by readers in another.
    fn situations(at: &[i64], public: &[i64]) -> Vec<Situation> {
        let mut all = Vec::new();
        for stage in Stage::ALL {
            for state in PublicState::ALL {
                for scheduled in [None, Some(EditionNumber::FIRST)] {
                    let was_public = *state != PublicState::None;
                    all.push(Situation {
                        created_by: UserId::stored(1),
                        assigned_to: None,
                        stage: *stage,
                        public_state: *state,
                        edition: EditionNumber::FIRST.next(),
                        public_edition: was_public.then_some(EditionNumber::FIRST),
                        scheduled,
                        expires: false,
                        path: path(at),
                        public_paths: was_public.then(|| path(public)).into_iter().collect(),
                    });
                }
            }
        }
        all
    }

    /// What a stage lets anybody do, by rights, to a reporter's own article.
    #[rustfmt::skip]
    const BY_STAGE: [(Stage, Role, &str); 12] = [
        (Stage::Draft,     Role::Reporter,  "save delete submit"),
        (Stage::Draft,     Role::Editor,    "save delete submit"),
        (Stage::Draft,     Role::Publisher, "save delete submit ALL"),
        (Stage::Submitted, Role::Reporter,  "recall"),
        (Stage::Submitted, Role::Editor,    "save delete recall return approve"),
        (Stage::Submitted, Role::Publisher, "save delete recall return approve ALL"),
        (Stage::Approved,  Role::Reporter,  "recall"),
        (Stage::Approved,  Role::Editor,    "save delete recall return"),
        (Stage::Approved,  Role::Publisher, "save delete recall return ALL"),
        (Stage::Returned,  Role::Reporter,  "save delete submit"),
        (Stage::Returned,  Role::Editor,    "save delete submit"),
        (Stage::Returned,  Role::Publisher, "save delete submit ALL"),
    ];
    /// What a publisher's hand on the public side finds there.
    #[rustfmt::skip]
    const BY_PUBLIC_STATE: [(PublicState, &str); 5] = [
        (PublicState::None,      "publish"),
        (PublicState::Live,      "publish withdraw archive take-down"),
        (PublicState::Withdrawn, "publish take-down restore"),
        (PublicState::Archived,  "publish withdraw take-down restore"),
        (PublicState::TakenDown, "publish restore"),
    ];

    #[test]
    fn states_actions_and_roles_are_as_the_tables_say() {
        for (stage, role, working) in BY_STAGE {
            for (state, public) in BY_PUBLIC_STATE {
                for scheduled in [None, Some(1), Some(2)] {
                    for expires in [false, true] {
                        let mut article = situations(HERE, HERE)
                            .into_iter()
                            .find(|article| (article.stage, article.public_state) == (stage, state))
                            .unwrap();
                        article.scheduled = scheduled.map(EditionNumber::stored);
                        article.expires = expires;
                        let mut expected: Vec<&str> = working.split(' ').collect();
                        if expected.pop_if(|last| *last == "ALL").is_some() {
                            expected.extend(public.split(' '));
                            if expires || scheduled.is_some() {
                                expected.push("unschedule");
                            }
                        }
                        let refused: &[&str] = match (state, scheduled) {
                            // The newest edition is number 2.
                            (PublicState::None, Some(2)) => &["delete", "recall", "return"],
                            (PublicState::None, Some(_)) => &["delete"],
                            (PublicState::None, None) => &[],
                            (_, Some(2)) => &["delete", "recall", "return"],
                            (_, _) => &["delete"],
                        };
                        expected.retain(|action| !refused.contains(action));
                        expected.sort_unstable();
                        let found = allowed_actions(&actor(role, Reach::Everywhere), &article);
                        let mut found: Vec<&str> = found.into_iter().map(Action::as_str).collect();
                        found.sort_unstable();
                        assert_eq!(found, expected, "{role:?} {article:?}");
                        let admin = actor(Role::Admin, Reach::Everywhere);
                        assert_eq!(allowed_actions(&admin, &article), Vec::new());
                    }
                }
            }
        }
    }

    #[test]
    fn a_limit_takes_away_all_that_stands_outside_of_it_and_nothing_else() {
        let reaches = [only(&[]), only(&[2]), only(&[3]), only(&[4]), only(&[2, 4])];
        for role in Role::ALL {
            let free = actor(*role, Reach::Everywhere);
            for (at, public) in [(HERE, HERE), (HERE, ELSEWHERE), (ELSEWHERE, HERE)] {
                for article in situations(at, public) {
                    for reach in &reaches {
                        let bound = actor(*role, reach.clone());
                        let here = reach.covers(&article.path);
                        let mut seen = article.public_paths.iter();
                        let both = here && seen.all(|path| reach.covers(path));
                        assert_eq!(
                            may_edit(&bound, &article),
                            may_edit(&free, &article) && here
                        );
                        for action in Action::ALL {
                            let public = right_for(&article, *action) == Right::Publish;
                            let holds = if public { both } else { here };
                            assert_eq!(
                                may(&bound, &article, *action),
                                may(&free, &article, *action) && holds,
                                "{role:?} {reach:?} {action:?} {article:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_one_made_oneself_is_out_of_reach_like_all_else() {
        for article in situations(ELSEWHERE, ELSEWHERE) {
            let reporter = actor(Role::Reporter, only(&[2]));
            assert!(!may_edit(&reporter, &article));
            assert_eq!(allowed_actions(&reporter, &article), Vec::new());
        }
    }
}
