//! Replacing the file of a medium.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, put, web};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{MediumOut, refused, show};
use crate::ctx::Ctx;
use crate::domain::id::MediaId;
use crate::domain::media::{MediaContent, Status};
use crate::http::caching::written;
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{Can, NoParams, Params, Segment, Write};
use crate::http::upload;
use crate::service::media::{self as service, Upload};

/// A file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; it is read as a stream")]
struct FileForm {
    /// Of the same kind as the one in whose place it comes.
    #[schema(
        format = "binary",
        content_media_type = "application/octet-stream",
        max_length = 68719476736
    )]
    file: String,
}

/// Replace the file of a medium.
///
/// `multipart/form-data` with one `file` of the same kind. Text alternative and credit stay: look
/// whether they still fit. Working copies show the new file at once; public articles keep the old one
/// until they are published again, and then it has another address. A large picture is answered 202, as
/// at its upload.
#[utoipa::path(operation_id = "replace_media_file", tag = "media", security(("bearer" = [])), params(("id" = MediaId, Path, description = "Id of the medium")), request_body(content = FileForm, content_type = "multipart/form-data"), responses(
    (status = 200, body = MediumOut),
    (status = 202, description = "It is here, its files are not ready yet", body = MediumOut),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[put("/v1/editorial/media/{id}/file")]
pub async fn replace_media_file(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<MediaId>,
    payload: web::Payload,
    _: Params<NoParams>,
) -> ApiResult {
    let form = upload::receive(&ctx, &request, payload, &[]).await?;
    let Some(arrived) = form.file else {
        return Err(form.faults.into());
    };
    form.faults.or(())?;
    let parts = format!("{:?}", (&arrived.hash, &arrived.name));
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(Sha256::digest(parts.as_bytes()).into()));
    let upload = Upload {
        // The file stays until the end of this function.
        path: arrived.file.path().to_owned(),
        file_name: arrived.name,
        hash: arrived.hash,
        claim: arrived.claim,
        content: MediaContent::default(),
        arrival: None,
    };
    let done = service::replace(&ctx, command, id.0, if_match, upload).await;
    let medium = done.map_err(refused)?;
    let status = match medium.status {
        Status::Processing => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    let medium = show(&ctx, medium).await?;
    written(HttpResponse::build(status), medium.version, &medium)
}
