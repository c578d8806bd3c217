//! AV1 frames to pixels. Runs in a process of its own: the decoder is C in Rust's clothes, with much unsafe
//! code, and a panic behind its `extern "C"` functions ends the process.

use re_rav1d::dav1d::pixel::{MatrixCoefficients, TransferCharacteristic, YUVRange};
use re_rav1d::dav1d::{
    Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Plane, Settings,
};

use super::super::{Form, ImageError};
use super::container::{Avif, Coded, Frame, Nclx, Source};

/// How often the decoder is asked for a picture that it should have at once.
const ROUNDS: u32 = 64;
/// Transfers of HDR (PQ, HLG): without tone mapping they would look flat and grey.
const BRIGHT: [u16; 2] = [16, 18];
/// Fractions are so many parts of one.
const ONE: i64 = 1 << 16;
pub(super) const HDR: ImageError =
    ImageError::Misread("is an HDR picture, which is not read: save it for ordinary screens");
pub(super) const STRANGE: ImageError =
    ImageError::Misread("has colours of a kind that is not read: save it as another kind");

/// Pixels in memory, row by row.
#[derive(Debug)]
pub(super) struct Raster {
    pub(super) form: Form,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Vec<u8>,
}

/// How many bytes a pixel has.
pub(super) fn channels(form: Form) -> usize {
    match form {
        Form::Grey => 1,
        Form::Rgb => 3,
        Form::Rgba => 4,
    }
}

/// The picture as it is coded: neither cropped nor turned.
pub(super) fn decode(avif: &Avif<'_>) -> Result<Raster, ImageError> {
    let colour = raster(&avif.colour, false)?;
    let Some(alpha) = &avif.alpha else {
        return Ok(colour);
    };
    let alpha = raster(alpha, true)?;
    let width = channels(colour.form);
    let mut pixels = Vec::with_capacity(alpha.pixels.len().saturating_mul(4));
    for (pixel, alpha) in colour.pixels.chunks_exact(width).zip(alpha.pixels) {
        let [red, green, blue] = match *pixel {
            [red, green, blue] => [red, green, blue],
            [grey, ..] => [grey; 3],
            [] => [0; 3],
        };
        let plain = |colour: u8| match alpha {
            1..=254 if avif.premultiplied => {
                let (colour, alpha) = (u32::from(colour), u32::from(alpha));
                u8::try_from((colour * 255 + alpha / 2) / alpha).unwrap_or(u8::MAX)
            }
            _ => colour,
        };
        pixels.extend([plain(red), plain(green), plain(blue), alpha]);
    }
    Ok(Raster {
        form: Form::Rgba,
        pixels,
        ..colour
    })
}

/// One frame, or all tiles in their places.
fn raster(coded: &Coded<'_>, is_alpha: bool) -> Result<Raster, ImageError> {
    let (columns, tiles) = match &coded.source {
        Source::Frame(frame) => return shown(frame, coded.nclx, is_alpha),
        Source::Grid(columns, tiles) => (*columns, tiles),
    };
    let mut whole: Option<Raster> = None;
    for (at, tile) in tiles.iter().enumerate() {
        let tile = shown(tile, coded.nclx, is_alpha)?;
        let channels = channels(tile.form);
        let whole = whole.get_or_insert_with(|| Raster {
            form: tile.form,
            width: coded.width,
            height: coded.height,
            pixels: vec![0; length(coded.width) * length(coded.height) * channels],
        });
        if whole.form != tile.form {
            return Err(ImageError::Corrupt);
        }
        let row_of_tile = length(tile.width) * channels;
        let row_of_whole = length(whole.width) * channels;
        let left = at % columns.max(1) * row_of_tile;
        let top = at / columns.max(1) * length(tile.height);
        // What reaches beyond the picture is left out.
        let rows = whole.pixels.chunks_exact_mut(row_of_whole.max(1));
        let rows = rows.skip(top);
        for (to, from) in rows.zip(tile.pixels.chunks_exact(row_of_tile.max(1))) {
            let to = to.get_mut(left..).unwrap_or_default();
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
    }
    whole.ok_or(ImageError::Corrupt)
}

/// As a length in memory. What does not fit was refused long before.
fn length(side: u32) -> usize {
    usize::try_from(side).unwrap_or(usize::MAX)
}

/// One frame in colours, or of transparency: then grey.
fn shown(frame: &Frame<'_>, nclx: Option<Nclx>, is_alpha: bool) -> Result<Raster, ImageError> {
    let picture = frame_of(frame)?;
    let said = Nclx {
        transfer: match picture.transfer_characteristic() {
            TransferCharacteristic::PerceptualQuantizer => 16,
            TransferCharacteristic::HybridLogGamma => 18,
            _ => 2,
        },
        matrix: match picture.matrix_coefficients() {
            MatrixCoefficients::Identity => 0,
            MatrixCoefficients::BT709 => 1,
            MatrixCoefficients::Unspecified => 2,
            MatrixCoefficients::BT470M => 4,
            MatrixCoefficients::BT470BG => 5,
            MatrixCoefficients::ST170M => 6,
            MatrixCoefficients::ST240M => 7,
            MatrixCoefficients::BT2020NonConstantLuminance => 9,
            _ => u16::MAX,
        },
        full: picture.color_range() == YUVRange::Full,
    };
    let bits = picture.bits_per_component().map_or(8, |bits| bits.0);
    let bits = u32::try_from(bits).map_err(|_| STRANGE)?;
    // The container describes the colours, and goes before the frame in what it says (2: nothing). Of the
    // transparency there is nothing to describe.
    let nclx = nclx.filter(|_| !is_alpha).map_or(said, |nclx| Nclx {
        transfer: if nclx.transfer == 2 {
            said.transfer
        } else {
            nclx.transfer
        },
        matrix: if nclx.matrix == 2 {
            said.matrix
        } else {
            nclx.matrix
        },
        ..nclx
    });
    let grey = is_alpha || picture.pixel_layout() == PixelLayout::I400;
    if !is_alpha && BRIGHT.contains(&nclx.transfer) {
        return Err(HDR);
    }
    let scale = Scale::new(bits, nclx.full)?;
    let pixels = match grey {
        true => greys(&picture, bits, &scale),
        false => colours(&picture, bits, &scale, nclx.matrix)?,
    };
    Ok(Raster {
        form: if grey { Form::Grey } else { Form::Rgb },
        width: frame.width,
        height: frame.height,
        pixels,
    })
}

/// Decodes one frame, which has the size that the container says, or is not shown.
fn frame_of(frame: &Frame<'_>) -> Result<Picture, ImageError> {
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(pixels).map_err(|_| ImageError::TooManyPixels)?);
    let mut decoder = Decoder::with_settings(&settings).map_err(|_| ImageError::Failed)?;
    let fault = |error: Error| match error {
        Error::NotEnoughMemory => ImageError::Failed,
        _ => ImageError::Corrupt,
    };
    // Pieces are never empty: of nothing the decoder complains aloud.
    let mut sent = decoder.send_data(frame.pieces.concat(), None, None, None);
    for _ in 0..ROUNDS {
        match decoder.get_picture() {
            Ok(picture) => {
                let size = (picture.width(), picture.height());
                return match size == (frame.width, frame.height) {
                    true => Ok(picture),
                    false => Err(ImageError::Corrupt),
                };
            }
            Err(error) if error.is_again() => {}
            Err(error) => return Err(fault(error)),
        }
        match sent {
            // All was taken, and there is no picture in it.
            Ok(()) => return Err(ImageError::Corrupt),
            Err(error) if error.is_again() => sent = decoder.send_pending_data(),
            Err(error) => return Err(fault(error)),
        }
    }
    Err(ImageError::Corrupt)
}

/// From samples to eight bits, in parts of `ONE`.
struct Scale {
    /// Half of what a sample of colour can be: no colour.
    middle: i32,
    black: i32,
    light: i64,
    colour: i64,
}

impl Scale {
    fn new(bits: u32, full: bool) -> Result<Self, ImageError> {
        if !(8..=12).contains(&bits) {
            return Err(STRANGE);
        }
        let (black, light, colour) = match full {
            true => (0, (1 << bits) - 1, (1 << bits) - 1),
            false => (16 << (bits - 8), 219 << (bits - 8), 224 << (bits - 8)),
        };
        Ok(Self {
            middle: 1 << (bits - 1),
            black,
            light: 255 * ONE / light,
            colour: 255 * ONE / colour,
        })
    }

    fn light(&self, sample: i32) -> i64 {
        i64::from(sample - self.black) * self.light
    }
}

fn byte(value: i64) -> u8 {
    u8::try_from(((value + ONE / 2) >> 16).clamp(0, 255)).unwrap_or(u8::MAX)
}

/// Samples of one kind.
struct Samples {
    plane: Plane,
    stride: usize,
    /// In samples.
    width: usize,
    height: usize,
    deep: bool,
}

impl Samples {
    fn of(
        picture: &Picture,
        what: PlanarImageComponent,
        (width, height): (usize, usize),
        bits: u32,
    ) -> Self {
        Self {
            plane: picture.plane(what),
            stride: length(picture.stride(what)),
            width,
            height,
            deep: bits > 8,
        }
    }

    /// A row; beyond the last it is the last.
    fn row(&self, at: usize, into: &mut Vec<i32>) {
        into.clear();
        let begin = at.min(self.height.saturating_sub(1)) * self.stride;
        let row = self.plane.get(begin..).unwrap_or_default();
        if self.deep {
            let samples = row.chunks_exact(2).map(|two| match *two {
                [low, high] => i32::from(u16::from_le_bytes([low, high])),
                _ => 0,
            });
            into.extend(samples.take(self.width));
        } else {
            into.extend(row.iter().copied().map(i32::from).take(self.width));
        }
    }
}

fn whole(picture: &Picture) -> (usize, usize) {
    (length(picture.width()), length(picture.height()))
}

fn greys(picture: &Picture, bits: u32, scale: &Scale) -> Vec<u8> {
    let size = whole(picture);
    let light = Samples::of(picture, PlanarImageComponent::Y, size, bits);
    let mut pixels = Vec::with_capacity(size.0 * size.1);
    let mut row = Vec::new();
    for at in 0..size.1 {
        light.row(at, &mut row);
        pixels.extend(row.iter().map(|sample| byte(scale.light(*sample))));
    }
    pixels
}

/// Samples of colour, as many as there are of light.
struct Colour {
    samples: Samples,
    halved: (bool, bool),
    near: Vec<i32>,
    far: Vec<i32>,
    /// Sixteen times as much as it is.
    row: Vec<i32>,
}

impl Colour {
    fn of(picture: &Picture, what: PlanarImageComponent, bits: u32) -> Self {
        let halved = match picture.pixel_layout() {
            PixelLayout::I420 => (true, true),
            PixelLayout::I422 => (true, false),
            PixelLayout::I400 | PixelLayout::I444 => (false, false),
        };
        let (width, height) = whole(picture);
        let size = |side: usize, is_halved| if is_halved { side.div_ceil(2) } else { side };
        let size = (size(width, halved.0), size(height, halved.1));
        Self {
            samples: Samples::of(picture, what, size, bits),
            halved,
            near: Vec::new(),
            far: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Makes one row: what lies between samples is three parts of the nearer and one of the farther one.
    fn make(&mut self, at: usize, width: usize) {
        let beside = |at: usize| match at % 2 {
            0 => (at / 2).saturating_sub(1),
            _ => at / 2 + 1,
        };
        if self.halved.1 {
            self.samples.row(at / 2, &mut self.near);
            self.samples.row(beside(at), &mut self.far);
            for (near, far) in self.near.iter_mut().zip(&self.far) {
                *near = *near * 3 + *far;
            }
        } else {
            self.samples.row(at, &mut self.near);
            self.near.iter_mut().for_each(|sample| *sample *= 4);
        }
        self.row.clear();
        if self.halved.0 {
            let last = self.near.len().saturating_sub(1);
            let sample = |at: usize| self.near.get(at.min(last)).copied().unwrap_or_default();
            self.row
                .extend((0..width).map(|at| sample(at / 2) * 3 + sample(beside(at))));
        } else {
            self.row.extend(self.near.iter().map(|sample| sample * 4));
        }
    }
}

fn colours(
    picture: &Picture,
    bits: u32,
    scale: &Scale,
    matrix: u16,
) -> Result<Vec<u8>, ImageError> {
    // What red and blue are of white, in parts of 100,000.
    let (red, blue) = match matrix {
        0 => (0, 0),
        1 => (21_260, 7_220),
        // What is not said is BT.601, as everywhere.
        2 | 5 | 6 => (29_900, 11_400),
        4 => (30_000, 11_000),
        7 => (21_200, 8_700),
        9 => (26_270, 5_930),
        _ => return Err(STRANGE),
    };
    if matrix == 0 && picture.pixel_layout() != PixelLayout::I444 {
        return Err(STRANGE);
    }
    let all = 100_000_i64;
    let green = all - red - blue;
    let of_red = 2 * (all - red) * scale.colour / all;
    let of_blue = 2 * (all - blue) * scale.colour / all;
    let green_of_red = of_red * red / green;
    let green_of_blue = of_blue * blue / green;

    let (width, height) = whole(picture);
    let light = Samples::of(picture, PlanarImageComponent::Y, (width, height), bits);
    let mut blues = Colour::of(picture, PlanarImageComponent::U, bits);
    let mut reds = Colour::of(picture, PlanarImageComponent::V, bits);
    let mut pixels = Vec::with_capacity(width * height * 3);
    let mut row = Vec::new();
    let middle = scale.middle * 16;
    for at in 0..height {
        light.row(at, &mut row);
        blues.make(at, width);
        reds.make(at, width);
        for ((light, blue), red) in row.iter().zip(&blues.row).zip(&reds.row) {
            if matrix == 0 {
                let rgb = [*red / 16, *light, *blue / 16];
                pixels.extend(rgb.map(|sample| byte(scale.light(sample))));
                continue;
            }
            let light = scale.light(*light);
            let (blue, red) = (i64::from(blue - middle), i64::from(red - middle));
            pixels.extend([
                byte(light + red * of_red / 16),
                byte(light - (red * green_of_red + blue * green_of_blue) / 16),
                byte(light + blue * of_blue / 16),
            ]);
        }
    }
    Ok(pixels)
}
