//! Settings of the sign-in provider.

use std::time::Duration;

use clap::Args;

use super::Secret;
use crate::domain::provider::RoleMap;
use crate::infra::oidc;

/// Sign-in through an OpenID Connect provider.
#[derive(Debug, Clone, Args)]
pub struct Oidc {
    /// Issuer of an OpenID Connect provider that users may sign in through, exactly as its discovery
    /// document names it [default: none]
    #[arg(long, env = "BANTIN_OIDC_ISSUER", value_name = "URL", value_parser = issuer)]
    pub oidc_issuer: Option<String>,

    /// Under what name the provider knows this server; required with an issuer [default: none]
    #[arg(long, env = "BANTIN_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,

    /// The client's secret at the provider [default: none: a public client]
    #[arg(
        long,
        env = "BANTIN_OIDC_CLIENT_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    pub oidc_client_secret: Option<Secret>,

    /// Page of the editorial front end that the provider sends browsers back to; required with an
    /// issuer [default: none]
    #[arg(long, env = "BANTIN_OIDC_REDIRECT_URL", value_name = "URL", value_parser = redirect_url)]
    pub oidc_redirect_url: Option<String>,

    /// What the provider is asked for, `openid` among it
    #[arg(long, env = "BANTIN_OIDC_SCOPES", default_value = "openid profile", value_name = "SCOPES", value_parser = scopes)]
    pub oidc_scopes: String,

    /// The claim that roles come from; dots lead into objects, as `realm_access.roles`
    #[arg(long, env = "BANTIN_OIDC_ROLES_CLAIM", default_value = "roles", value_name = "CLAIM", value_parser = claim)]
    pub oidc_roles_claim: String,

    /// Which role a value of that claim stands for, as `desk=editor,it=admin`; required with an
    /// issuer [default: none]
    #[arg(long, env = "BANTIN_OIDC_ROLES", value_name = "VALUE=ROLE,…", value_parser = RoleMap::parse)]
    pub oidc_roles: Option<RoleMap>,

    /// Seconds that the provider may take for one answer
    #[arg(long, env = "BANTIN_OIDC_TIMEOUT", default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=60))]
    pub oidc_timeout: u16,
}

impl Oidc {
    /// The provider as its client needs it; none where none is set.
    pub fn options(&self) -> Result<Option<oidc::Options>, String> {
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let secret = self.oidc_client_secret.as_ref();
        let secret = secret.map(|s| s.0.clone()).filter(|s| !s.is_empty());
        let roles = self.oidc_roles.as_ref().is_some_and(|map| !map.is_empty());
        let (issuer, client_id, redirect_url) = (
            set(&self.oidc_issuer),
            set(&self.oidc_client_id),
            set(&self.oidc_redirect_url),
        );
        let given = [
            ("BANTIN_OIDC_CLIENT_ID", client_id.is_some()),
            ("BANTIN_OIDC_REDIRECT_URL", redirect_url.is_some()),
            ("BANTIN_OIDC_ROLES", roles),
        ];
        let (Some(issuer), Some(client_id), Some(redirect_url), true) =
            (issuer.clone(), client_id, redirect_url, roles)
        else {
            let with_secret = [("BANTIN_OIDC_CLIENT_SECRET", secret.is_some())];
            let stray = given.iter().chain(&with_secret).find(|(_, is)| *is);
            return match (issuer, stray) {
                (None, None) => Ok(None),
                (None, Some((name, _))) => {
                    Err(format!("{name} means nothing without BANTIN_OIDC_ISSUER"))
                }
                (Some(_), _) => {
                    let missing = given.iter().find(|(_, is)| !is);
                    let name = missing.map_or("", |(name, _)| name);
                    Err(format!("{name} is required with BANTIN_OIDC_ISSUER"))
                }
            };
        };
        Ok(Some(oidc::Options {
            issuer,
            client_id,
            client_secret: secret,
            redirect_url,
            scopes: self.oidc_scopes.clone(),
            timeout: Duration::from_secs(u64::from(self.oidc_timeout)),
        }))
    }

    /// What values of the roles claim stand for.
    pub fn roles(&self) -> RoleMap {
        self.oidc_roles.clone().unwrap_or_default()
    }
}

/// Only what stays on this machine may do without TLS. An empty text is none.
fn private_url(text: &str) -> Result<url::Url, String> {
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    let safe = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => oidc::is_loopback(&url),
        _ => false,
    };
    if !safe || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must be an https address, http on this machine alone, without user and fragment"
                .to_owned(),
        );
    }
    Ok(url)
}

fn issuer(text: &str) -> Result<String, String> {
    if !text.is_empty() && private_url(text)?.query().is_some() {
        return Err("must have no query".to_owned());
    }
    Ok(text.to_owned())
}

fn redirect_url(text: &str) -> Result<String, String> {
    if !text.is_empty() {
        private_url(text)?;
    }
    Ok(text.to_owned())
}

fn scopes(text: &str) -> Result<String, String> {
    if text.split_ascii_whitespace().any(|scope| scope == "openid") {
        Ok(text.to_owned())
    } else {
        Err("must name openid".to_owned())
    }
}

fn claim(text: &str) -> Result<String, String> {
    match text.trim().is_empty() {
        true => Err("must name a claim".to_owned()),
        false => Ok(text.to_owned()),
    }
}
