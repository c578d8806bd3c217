//! What a sign-in provider says of somebody, and what it means here: login, name and roles.

use serde_json::{Map, Value};

use super::content::PersonName;
use super::text;
use super::user::{Login, Role};

/// What a provider said in its ID token and in its answer about the user.
pub type Claims = Map<String, Value>;

/// Which role a value of the provider's claim stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleMap(Vec<(String, Role)>);

impl RoleMap {
    /// From `value=role` pairs with commas between them; a value may stand for several roles.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pairs = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            // The last sign counts: a value may be a name like `cn=desk`.
            let Some((value, role)) = pair.rsplit_once('=') else {
                return Err(format!("{pair}: must be VALUE=ROLE"));
            };
            let (value, role) = (value.trim(), role.trim());
            let role = Role::parse(role)
                .ok_or_else(|| format!("{role}: must be reporter, editor, publisher or admin"))?;
            if value.is_empty() {
                return Err(format!("{pair}: must be VALUE=ROLE"));
            }
            pairs.push((value.to_owned(), role));
        }
        Ok(Self(pairs))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The roles that a claim gives, each once, in the order of rank. Values that stand for nothing
    /// give nothing.
    pub fn roles(&self, claims: &Claims, claim: &str) -> Vec<Role> {
        let said: Vec<&str> = match member(claims, claim) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let given = |role: Role| {
            self.0
                .iter()
                .any(|(value, of)| *of == role && said.contains(&value.as_str()))
        };
        Role::ALL.iter().copied().filter(|r| given(*r)).collect()
    }
}

/// A claim by its name, or by the way to it with dots, as `realm_access.roles`.
pub fn member<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    member(claims.get(first)?.as_object()?, rest)
}

/// Longest login that is made of claims: numbers follow where it is taken.
const LONGEST: usize = 60;

/// The login for somebody new: the name at the provider or the mail address, folded; it may be
/// taken.
pub fn login(claims: &Claims) -> Login {
    let said = ["preferred_username", "email", "name"]
        .iter()
        .filter_map(|name| claims.get(*name)?.as_str())
        .find(|text| !text.trim().is_empty())
        .unwrap_or_default();
    let mut login = String::new();
    for c in text::fold(said).chars() {
        match c {
            'a'..='z' | '0'..='9' | '.' | '_' | '@' | '+' | '-' => login.push(c),
            _ if login.ends_with('-') => {}
            _ => login.push('-'),
        }
    }
    let head = login.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let head: String = head.chars().take(LONGEST).collect();
    let head = head.trim_end_matches('-');
    Login::parse(head)
        .or_else(|_| Login::parse(format!("user-{head}").trim_end_matches('-')))
        .unwrap_or_else(|_| Login::stored("user".to_owned()))
}

/// The same login with a number at its end.
pub fn numbered(login: &Login, number: u32) -> Login {
    let head: String = login.as_str().chars().take(LONGEST).collect();
    Login::stored(format!("{head}-{number}"))
}

/// The name for somebody new; the login where the provider says none.
pub fn name(claims: &Claims, login: &Login) -> PersonName {
    let said = claims.get("name").and_then(Value::as_str);
    said.and_then(|name| PersonName::parse(name).ok())
        .unwrap_or_else(|| PersonName::stored(login.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn roles_come_from_the_mapping_alone() {
        let map = RoleMap::parse("bien-tap=editor, cn=desk=publisher,quan-tri=admin").unwrap();
        let roles = |said: Value| map.roles(&claims(json!({"roles": said})), "roles");
        assert_eq!(
            roles(json!(["quan-tri", "bien-tap", "x", 7, "bien-tap"])),
            [Role::Editor, Role::Admin]
        );
        assert_eq!(roles(json!("cn=desk")), [Role::Publisher]);
        for nothing in [json!(["admin"]), json!(null), json!({"bien-tap": true})] {
            assert!(roles(nothing).is_empty());
        }
        for bad in ["x", "x=king", "=editor"] {
            assert!(RoleMap::parse(bad).is_err(), "{bad}");
        }
        assert!(RoleMap::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_claim_may_lie_deeper() {
        let said = claims(json!({"realm_access": {"roles": ["a"]}, "https://x.vn/r": "b"}));
        assert_eq!(member(&said, "realm_access.roles"), Some(&json!(["a"])));
        assert_eq!(member(&said, "https://x.vn/r"), Some(&json!("b")));
        assert_eq!(member(&said, "realm_access.groups"), None);
        assert_eq!(member(&said, "roles"), None);
    }

    #[test]
    fn every_login_that_is_made_is_one() {
        for (said, login_is) in [
            (json!({"preferred_username": "Minh.An"}), "minh.an"),
            (json!({"preferred_username": "Đỗ  Thị Hà"}), "do-thi-ha"),
            (json!({"preferred_username": "__an"}), "user-an"),
            (
                json!({"preferred_username": " ", "email": "an@x.vn"}),
                "an@x.vn",
            ),
            (json!({"name": "…"}), "user"),
            (json!({}), "user"),
        ] {
            let made = login(&claims(said));
            assert_eq!(made.as_str(), login_is);
            assert!(Login::parse(made.as_str()).is_ok());
        }
        let long = login(&claims(json!({"preferred_username": "a".repeat(300)})));
        assert!(Login::parse(numbered(&long, 99).as_str()).is_ok());
        let an = claims(json!({"name": "Minh An"}));
        assert_eq!(name(&an, &long).as_str(), "Minh An");
    }
}
