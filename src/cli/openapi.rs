//! `bantin openapi`: the document as committed in `openapi/bantin.json`.

pub fn run() -> Result<(), String> {
    let document = crate::http::spec::document();
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    super::say(&text)
}
