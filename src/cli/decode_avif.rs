//! `bantin decode-avif`: hidden, for the server itself. The decoder of AVIF may end its process, so it
//! gets one of its own for each picture.

use std::io::{stdin, stdout};

use clap::Args;

#[derive(Debug, Args)]
pub struct DecodeAvif {
    /// Largest picture, in pixels
    max_pixels: u64,
}

impl DecodeAvif {
    pub fn run(self) -> Result<(), String> {
        crate::infra::image::decode_avif(&mut stdin().lock(), &mut stdout().lock(), self.max_pixels)
            .map_err(|error| error.to_string())
    }
}
