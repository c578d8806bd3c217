//! Headers of answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Operation;

impl Operation<'_> {
    /// Headers of an answer about uploads.
    fn tus(&self, text: impl Fn(&str, u32, &str) -> Value) -> BTreeMap<&'static str, Value> {
        let bytes = |description: &str| {
            json!({"description": description,
            "schema": {"type": "integer", "format": "int64", "minimum": 0, "maximum": 9007199254740991_i64}})
        };
        let mut headers = BTreeMap::from([("Tus-Resumable", text("`1.0.0`", 10, "^[0-9.]+$"))]);
        if self.method == "options" {
            let list = "^[a-z0-9,-]+$";
            headers.extend([
                ("Tus-Version", text("`1.0.0`", 10, "^[0-9.]+$")),
                (
                    "Tus-Extension",
                    text("What it can do beside the core", 200, list),
                ),
                ("Tus-Max-Size", bytes("Largest file, in bytes")),
                (
                    "Tus-Checksum-Algorithm",
                    text("Digests of `Upload-Checksum`", 100, list),
                ),
            ]);
        }
        if matches!(self.method, "post" | "get" | "patch") {
            let date = "^[A-Za-z]{3}, .+ GMT$";
            headers.extend([
                (
                    "Upload-Offset",
                    bytes("How many bytes there are: where to go on"),
                ),
                (
                    "Upload-Expires",
                    text("When it is dropped, unless it goes on", 29, date),
                ),
            ]);
        }
        if self.method == "get" {
            headers.insert("Upload-Length", bytes("Of the whole file, in bytes"));
        }
        headers
    }

    /// Headers of an answer with this status.
    pub(super) fn headers(&self, status: &str, paged: bool) -> BTreeMap<&'static str, Value> {
        let text = |description: &str, most: u32, pattern: &str| json!({"description": description, "schema": {"type": "string", "maxLength": most, "pattern": pattern}});
        let always = |mut header: Value| {
            if let Some(header) = header.as_object_mut() {
                header.insert("required".to_owned(), json!(true));
            }
            header
        };
        let ok = status.starts_with('2');
        let mut headers = BTreeMap::from([
            (
                "X-Request-Id",
                always(text("Names the request in the log", 64, "^[0-9a-f]+$")),
            ),
            (
                "Cache-Control",
                text(
                    "How long caches may keep the answer",
                    200,
                    "^[a-z0-9=, -]+$",
                ),
            ),
            (
                "Access-Control-Allow-Origin",
                text(
                    "`*` on the public side; on the others the caller's origin, where it is configured",
                    300,
                    "^(\\*|https?://.+)$",
                ),
            ),
            (
                "X-RateLimit-Limit",
                json!({"description": "Requests a second and address, where there is a limit",
                    "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 4294967295_u32}}),
            ),
        ]);
        let object = self.editorial()
            && !self.of_tokens()
            && !self.of_uploads()
            && ok
            && !self.streamed()
            && (status != "204" || self.path.contains("captions"));
        if self.of_uploads() && ok {
            headers.extend(self.tus(text));
        }
        let stale = status == "412" && !self.of_uploads();
        if object || status == "304" || stale || (ok && self.conditional()) {
            headers.insert(
                "ETag",
                always(text(
                    "Strong entity tag; of an editorial object its version in quotes",
                    100,
                    "^\".*\"$",
                )),
            );
        }
        if ok && paged {
            headers.insert(
                "Link",
                text(
                    "The next page, `rel=\"next\"`",
                    8500,
                    "^<.+>; rel=\"next\"$",
                ),
            );
        }
        if self.file() && matches!(status, "200" | "206" | "304") {
            headers.insert(
                "Last-Modified",
                always(text(
                    "Since when the file stands here",
                    29,
                    "^[A-Za-z]{3}, .+ GMT$",
                )),
            );
        }
        if self.file() && ok {
            headers.insert(
                "Accept-Ranges",
                always(text("`bytes`: ranges are honoured", 5, "^bytes$")),
            );
            headers.insert(
                "Content-Disposition",
                always(text(
                    "`inline` for pictures, sound and film, `attachment` for everything else",
                    100,
                    "^(inline|attachment)",
                )),
            );
        }
        match status {
            "201" | "301" | "307" => {
                let location = json!({"description": "Where it is", "required": true,
                    "schema": {"type": "string", "format": "uri", "maxLength": 8500}});
                headers.insert("Location", location);
            }
            "206" => {
                headers.insert(
                    "Content-Range",
                    text(
                        "Which bytes of how many; each part of several ranges has its own",
                        100,
                        "^bytes [0-9]+-[0-9]+/[0-9]+$",
                    ),
                );
            }
            "416" => {
                headers.insert(
                    "Content-Range",
                    always(text("Of how many bytes", 100, "^bytes \\*/[0-9]+$")),
                );
            }
            "401" => {
                headers.insert(
                    "WWW-Authenticate",
                    always(text("The scheme to use", 100, "^Bearer")),
                );
            }
            "403" if self.secured => {
                headers.insert(
                    "WWW-Authenticate",
                    text(
                        "With `insufficient_scope`: the scope that the API token lacks",
                        100,
                        "^Bearer",
                    ),
                );
            }
            "429" | "503" => {
                let wait = json!({"description": "Seconds to wait", "required": true,
                    "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 86400}});
                headers.insert("Retry-After", wait);
            }
            _ => {}
        }
        headers
    }
}
