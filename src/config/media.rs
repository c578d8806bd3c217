//! Settings of media storage.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::{Place, Secret};
use crate::domain::media::Kind;
use crate::infra::blob::Options;

/// Where media are: a folder, or a bucket.
#[derive(Debug, Clone, Args)]
pub struct MediaPlace {
    /// Folder for media files; with a bucket only for files on their way in
    /// [default: DATA_DIR/media]
    #[arg(long, env = "BANTIN_MEDIA_DIR", value_name = "DIR")]
    media_dir: Option<PathBuf>,

    /// Bucket for media files, as s3://BUCKET/PREFIX (gs:// and az:// are there, untested)
    /// [default: none, the folder]
    #[arg(long, env = "BANTIN_MEDIA_URL", value_name = "URL")]
    media_url: Option<Url>,

    #[command(flatten)]
    access: BucketAccess,
}

/// How a bucket is reached.
#[derive(Debug, Clone, Args)]
pub struct BucketAccess {
    /// Address of an S3 server that is not Amazon's, as https://s3.example.vn [default: Amazon's]
    #[arg(long, env = "BANTIN_S3_ENDPOINT", value_name = "URL")]
    s3_endpoint: Option<Url>,

    /// Region of the bucket [default: us-east-1]
    #[arg(long, env = "BANTIN_S3_REGION", value_name = "REGION")]
    s3_region: Option<String>,

    /// Access key of S3 [default: what the machine's role in the cloud gives]
    #[arg(long, env = "BANTIN_S3_KEY", value_name = "KEY")]
    s3_key: Option<String>,

    /// Secret that belongs to the key [default: none]
    #[arg(
        long,
        env = "BANTIN_S3_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    s3_secret: Option<Secret>,

    /// More settings of the bucket by their names in the Rust crate `object_store`, as
    /// `aws_virtual_hosted_style_request=true`, separated by commas [default: none]
    #[arg(
        long,
        env = "BANTIN_MEDIA_OPTIONS",
        value_delimiter = ',',
        value_name = "NAME=VALUE",
        hide_env_values = true
    )]
    media_options: Vec<Secret>,
}

impl MediaPlace {
    /// The local folder: of all media, or of those on their way to the bucket.
    pub fn dir(&self, place: &Place) -> PathBuf {
        self.media_dir
            .clone()
            .unwrap_or_else(|| place.data_dir.join("media"))
    }

    /// The place of all media in words that hold no secret.
    pub fn shown(&self, place: &Place) -> String {
        match &self.media_url {
            Some(url) => url.to_string(),
            None => self.dir(place).display().to_string(),
        }
    }

    /// What a server is told of a bucket that there is not.
    pub fn check(&self) -> Result<(), String> {
        let access = &self.access;
        let told = [
            ("BANTIN_S3_ENDPOINT", access.s3_endpoint.is_some()),
            ("BANTIN_S3_REGION", access.s3_region.is_some()),
            ("BANTIN_S3_KEY", access.s3_key.is_some()),
            ("BANTIN_S3_SECRET", access.s3_secret.is_some()),
            ("BANTIN_MEDIA_OPTIONS", !access.media_options.is_empty()),
        ];
        match told.iter().find(|(_, is)| *is) {
            Some((name, _)) if self.media_url.is_none() => {
                Err(format!("{name} means nothing without BANTIN_MEDIA_URL"))
            }
            _ => self.bucket().map(|_| ()),
        }
    }

    /// The bucket, if there is one.
    pub fn bucket(&self) -> Result<Option<Options>, String> {
        let Some(url) = &self.media_url else {
            return Ok(None);
        };
        self.options(url)
            .map(Some)
            .map_err(|why| format!("BANTIN_MEDIA_URL: {why}"))
    }

    /// Another bucket that is reached in the same way.
    pub fn options(&self, url: &Url) -> Result<Options, String> {
        if url.host_str().is_none_or(str::is_empty) {
            return Err("must name a bucket, as s3://bantin-media".to_owned());
        }
        let access = &self.access;
        let mut settings = Vec::new();
        if url.scheme() == "s3" {
            let mut set =
                |name: &str, value: &str| settings.push((name.to_owned(), value.to_owned()));
            let region = access.s3_region.as_deref();
            set("aws_region", region.unwrap_or("us-east-1"));
            if let Some(endpoint) = &access.s3_endpoint {
                set("aws_endpoint", endpoint.as_str().trim_end_matches('/'));
                if endpoint.scheme() == "http" {
                    set("aws_allow_http", "true");
                }
            }
            match (&access.s3_key, &access.s3_secret) {
                (Some(key), Some(secret)) => {
                    set("aws_access_key_id", key);
                    set("aws_secret_access_key", &secret.0);
                }
                (None, None) => {}
                _ => return Err("BANTIN_S3_KEY and BANTIN_S3_SECRET go together".to_owned()),
            }
        }
        for option in &access.media_options {
            let (name, value) = option
                .0
                .split_once('=')
                .ok_or("BANTIN_MEDIA_OPTIONS: must be NAME=VALUE")?;
            settings.push((name.to_owned(), value.to_owned()));
        }
        Ok(Options {
            url: url.clone(),
            settings,
        })
    }
}

/// Largest file of each kind.
#[derive(Debug, Clone, Args)]
pub struct Sizes {
    /// Largest picture, in bytes; it is read into memory whole
    #[arg(long, env = "BANTIN_MAX_IMAGE", default_value_t = 50 * MIB, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1024..=256 * MIB))]
    pub max_image: u64,

    /// Largest document, in bytes
    #[arg(long, env = "BANTIN_MAX_DOCUMENT", default_value_t = 50 * MIB, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1024..=4096 * MIB))]
    pub max_document: u64,

    /// Largest sound, in bytes
    #[arg(long, env = "BANTIN_MAX_AUDIO", default_value_t = 300 * MIB, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1024..=65_536 * MIB))]
    pub max_audio: u64,

    /// Largest film, in bytes
    #[arg(long, env = "BANTIN_MAX_VIDEO", default_value_t = 2048 * MIB, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1024..=65_536 * MIB))]
    pub max_video: u64,
}

const MIB: u64 = 1024 * 1024;

impl Sizes {
    /// Bytes that a file of that kind may have.
    pub fn of(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Image => self.max_image,
            Kind::Document => self.max_document,
            Kind::Audio => self.max_audio,
            Kind::Video => self.max_video,
        }
    }

    /// Bytes that a file of any kind may have.
    pub fn largest(&self) -> u64 {
        let kinds = [Kind::Image, Kind::Document, Kind::Audio, Kind::Video];
        kinds
            .map(|kind| self.of(kind))
            .into_iter()
            .max()
            .unwrap_or(0)
    }
}
