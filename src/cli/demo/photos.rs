//! Paints the photographs of the demo portal, so that none has to be shipped: ten scenes of a
//! commune, each varied by its seed, the same bytes for the same seed.
//!
//! Lengths are in picture heights: `x` runs from 0 to the canvas's `wide`, `y` from 0 (top) to 1.
#![expect(clippy::as_conversions, reason = "pixel arithmetic")]

use std::f32::consts::{PI, TAU};

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// What a photograph shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    Field,
    River,
    Hall,
    Road,
    School,
    Market,
    Festival,
    Forest,
    Office,
    Clinic,
}

impl Scene {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "field" => Self::Field,
            "river" => Self::River,
            "hall" => Self::Hall,
            "road" => Self::Road,
            "school" => Self::School,
            "market" => Self::Market,
            "festival" => Self::Festival,
            "forest" => Self::Forest,
            "office" => Self::Office,
            "clinic" => Self::Clinic,
            _ => return None,
        })
    }
}

/// A JPEG of 1600 × 1067 pixels, or 1067 × 1600.
pub fn draw(scene: Scene, seed: u64, portrait: bool) -> Vec<u8> {
    let (w, h) = if portrait { (1067, 1600) } else { (1600, 1067) };
    let mut c = Canvas::new(w, h, seed.wrapping_mul(0x9e37).wrapping_add(scene as u64));
    match scene {
        Scene::Field => field(&mut c),
        Scene::River => river(&mut c),
        Scene::Hall => hall(&mut c),
        Scene::Road => road(&mut c),
        Scene::School => school(&mut c),
        Scene::Market => market(&mut c),
        Scene::Festival => festival(&mut c),
        Scene::Forest => forest(&mut c),
        Scene::Office => office(&mut c),
        Scene::Clinic => clinic(&mut c),
    }
    c.jpeg()
}

type Point = (f32, f32);
type Rgb = [f32; 3];

fn rgb(hex: u32) -> Rgb {
    let [_, r, g, b] = hex.to_be_bytes();
    [f32::from(r), f32::from(g), f32::from(b)]
}

fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    let ([a0, a1, a2], [b0, b1, b2]) = (a, b);
    [a0 + (b0 - a0) * t, a1 + (b1 - a1) * t, a2 + (b2 - a2) * t]
}

/// Colour at the top of a shape, at its foot, and how opaque it is.
struct Ink(Rgb, Rgb, f32);

impl From<u32> for Ink {
    fn from(hex: u32) -> Self {
        Self(rgb(hex), rgb(hex), 1.0)
    }
}
impl From<(u32, u32)> for Ink {
    fn from((top, foot): (u32, u32)) -> Self {
        Self(rgb(top), rgb(foot), 1.0)
    }
}
impl From<(u32, f32)> for Ink {
    fn from((hex, alpha): (u32, f32)) -> Self {
        Self(rgb(hex), rgb(hex), alpha)
    }
}

/// The light of a scene: sky above, sky at the horizon, haze over what is far, sun, tint of all.
type Mood = (u32, u32, u32, u32, u32);
const MOODS: [Mood; 5] = [
    (0x3f8fd2, 0xd9eef7, 0xbcd9e6, 0xfff6d8, 0xffffff), // clear noon
    (0x6fa9d6, 0xffe6c2, 0xe3d3bd, 0xffe9a8, 0xfff6e8), // early morning
    (0x5b6fb0, 0xffb37a, 0xd9a48d, 0xffd27a, 0xffeedc), // evening
    (0x9fb6c4, 0xe9eef0, 0xd2dde0, 0xffffff, 0xf3f7f8), // mist
    (0x7aa6e0, 0xffd9dc, 0xdccbd8, 0xfff0d0, 0xfff4f4), // rose dawn
];

struct Canvas {
    w: usize,
    h: usize,
    wide: f32,
    px: Vec<Rgb>,
    state: u64,
    mood: Mood,
}

impl Canvas {
    fn new(w: usize, h: usize, seed: u64) -> Self {
        let wide = w as f32 / h as f32;
        let mut c = Self { w, h, wide, px: vec![[0.0; 3]; w * h], state: seed, mood: MOODS[0] };
        c.mood = c.pick(MOODS);
        c
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn r(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 40) as f32 / 16_777_216.0
    }

    fn pick<T: Copy, const N: usize>(&mut self, of: [T; N]) -> T {
        let at = self.next() as usize % N;
        of.get(at).copied().unwrap_or_else(|| of[0])
    }

    /// Fills a polygon, even-odd, with smooth edges.
    fn poly(&mut self, points: &[Point], ink: impl Into<Ink>) {
        let (Ink(top, foot, alpha), s) = (ink.into(), self.h as f32);
        let low = points.iter().fold(f32::MAX, |y, p| y.min(p.1));
        let high = points.iter().fold(f32::MIN, |y, p| y.max(p.1));
        let last = ((high * s).ceil().max(0.0) as usize).min(self.h);
        let right = self.w as f32;
        let (mut steps, mut cuts) = (vec![0.0_f32; self.w + 2], Vec::new());
        for row in (low * s).max(0.0) as usize..last {
            let (mut from, mut to) = (self.w, 0);
            for part in [0.125, 0.375, 0.625, 0.875] {
                let y = (row as f32 + part) / s;
                cuts.clear();
                for (p, q) in points.iter().zip(points.iter().cycle().skip(1)) {
                    if (p.1 <= y) != (q.1 <= y) {
                        cuts.push((p.0 + (y - p.1) / (q.1 - p.1) * (q.0 - p.0)) * s);
                    }
                }
                cuts.sort_by(f32::total_cmp);
                for (cut, sign) in cuts.iter().zip([0.25, -0.25].into_iter().cycle()) {
                    let x = cut.clamp(0.0, right);
                    let (at, part) = (x as usize, x.fract());
                    for (step, share) in steps.iter_mut().skip(at).zip([1.0 - part, part]) {
                        *step += sign * share;
                    }
                    from = from.min(at);
                    to = to.max(at + 2);
                }
            }
            let colour = mix(top, foot, ((row as f32 / s - low) / (high - low)).clamp(0.0, 1.0));
            let mut cover = 0.0;
            let steps = steps.iter_mut().take(to).skip(from).map(|step| std::mem::take(step));
            let pixels = self.px.iter_mut().take((row + 1) * self.w).skip(row * self.w + from);
            let mut pixels = pixels.map(Some).chain(std::iter::repeat_with(|| None));
            for step in steps {
                cover += step;
                if let Some(Some(pixel)) = pixels.next() {
                    *pixel = mix(*pixel, colour, cover.clamp(0.0, 1.0) * alpha);
                }
            }
        }
    }

    fn rect(&mut self, x: f32, y: f32, w: f32, h: f32, ink: impl Into<Ink>) {
        self.poly(&[(x, y), (x + w, y), (x + w, y + h), (x, y + h)], ink);
    }

    fn oval(&mut self, x: f32, y: f32, rx: f32, ry: f32, ink: impl Into<Ink>) {
        let around = |i| (i as f32 * TAU / 36.0).sin_cos();
        let points: Vec<Point> =
            (0..36).map(around).map(|(sin, cos)| (x + rx * cos, y + ry * sin)).collect();
        self.poly(&points, ink);
    }

    fn line(&mut self, a: Point, b: Point, width: f32, ink: impl Into<Ink>) {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let k = width / 2.0 / dx.hypot(dy).max(1e-6);
        let (nx, ny) = (-dy * k, dx * k);
        self.poly(&[(a.0 + nx, a.1 + ny), (b.0 + nx, b.1 + ny), (b.0 - nx, b.1 - ny), (a.0 - nx, a.1 - ny)], ink);
    }

    /// Light that fades with the distance from a point.
    fn glow(&mut self, x: f32, y: f32, radius: f32, hex: u32, strength: f32) {
        let (s, colour) = (self.h as f32, rgb(hex));
        let top = ((y - radius) * s).max(0.0) as usize;
        for row in top..(((y + radius) * s).max(0.0) as usize).min(self.h) {
            let left = ((x - radius) * s).max(0.0) as usize;
            let end = (((x + radius) * s).max(0.0) as usize).min(self.w);
            let line = self.px.iter_mut().skip(row * self.w + left);
            for (at, pixel) in (left..end).zip(line) {
                let far = (at as f32 / s - x).hypot(row as f32 / s - y) / radius;
                *pixel = mix(*pixel, colour, strength * (1.0 - far).max(0.0).powi(2));
            }
        }
    }

    /// A land line around `y`, filled to the foot of the picture.
    fn ridge(&mut self, y: f32, height: f32, waves: f32, ink: impl Into<Ink>) {
        let (p, q, k) = (self.r(0.0, TAU), self.r(0.0, TAU), self.r(0.8, 1.3) * waves);
        let rise = |x: f32| (x * k + p).sin() * 0.6 + (x * k * 2.3 + q).sin() * 0.3 + (x * k * 6.1 + p).sin() * 0.07;
        let mut points: Vec<Point> = (0..=160)
            .map(|i| i as f32 / 160.0 * self.wide)
            .map(|x| (x, y - height * rise(x)))
            .collect();
        points.extend([(self.wide, 1.0), (0.0, 1.0)]);
        self.poly(&points, ink);
    }

    /// A colour, the paler the farther.
    fn far(&self, hex: u32, depth: f32) -> u32 {
        let [r, g, b] = mix(rgb(hex), rgb(self.mood.2), depth);
        u32::from_be_bytes([0, r as u8, g as u8, b as u8])
    }

    fn sky(&mut self, horizon: f32) {
        let (top, low, _, sun, _) = self.mood;
        self.rect(0.0, 0.0, self.wide, horizon, (top, low));
        self.rect(0.0, horizon, self.wide, 1.0 - horizon, low);
        let (x, y) = (self.r(0.15, 0.85) * self.wide, self.r(0.3, 0.75) * horizon);
        self.glow(x, y, 0.7, sun, 0.75);
        self.oval(x, y, 0.035, 0.035, (sun, 0.95));
        for _ in 0..6 {
            let (x, y, s) = (self.r(-0.1, 1.0) * self.wide, self.r(0.06, 0.7) * horizon, self.r(0.4, 1.1));
            for i in 0..7 {
                let dx = (i as f32 - 3.0) * 0.045 * s;
                let lift = self.r(0.010, 0.034) * s * (1.0 - (i as f32 - 3.0).abs() / 4.5);
                self.oval(x + dx, y - lift * 0.6, 0.05 * s, lift, (0xffffff, 0.42));
            }
        }
    }

    fn hills(&mut self, y: f32, height: f32) {
        for (i, depth) in [0.72, 0.52, 0.34].into_iter().enumerate() {
            let step = i as f32;
            let (top, foot) = (self.far(0x2f6d5a, depth), self.far(0x6fa06a, depth + 0.12));
            self.ridge(y - height * (1.0 - step * 0.36), height * (0.75 - step * 0.2), 3.0 + step, (top, foot));
        }
    }

    fn tree(&mut self, x: f32, y: f32, s: f32, leaf: u32) {
        self.oval(x, y, s * 0.36, s * 0.05, (0x10281a, 0.3));
        self.poly(&[(x - s * 0.05, y), (x - s * 0.02, y - s * 0.6), (x + s * 0.02, y - s * 0.6), (x + s * 0.05, y)], 0x5a4030);
        for (shade, spread, lift) in [(0.45, 0.30, 0.62), (0.2, 0.26, 0.72), (0.0, 0.20, 0.82)] {
            let [r, g, b] = mix(rgb(leaf), rgb(0x12351f), shade);
            let hex = u32::from_be_bytes([0, r as u8, g as u8, b as u8]);
            for _ in 0..6 {
                let (dx, dy, k) = (self.r(-1.0, 1.0) * spread * s, self.r(-0.13, 0.13) * s, self.r(0.10, 0.17) * s);
                self.oval(x + dx - (0.45 - shade) * 0.1 * s, y - lift * s + dy, k, k * 0.85, (hex, 0.92));
            }
        }
    }

    fn palm(&mut self, x: f32, y: f32, s: f32) {
        let lean = self.r(-0.16, 0.16) * s;
        let (top_x, top_y) = (x + lean, y - s);
        self.poly(&[(x - s * 0.035, y), (x + lean * 0.4 - s * 0.02, y - s * 0.5), (top_x - s * 0.014, top_y), (top_x + s * 0.014, top_y), (x + lean * 0.4 + s * 0.02, y - s * 0.5), (x + s * 0.035, y)], (0x8a7358, 0x5d4a38));
        for i in 0..9 {
            let turn = PI * (1.08 + 0.84 * i as f32 / 8.0) + self.r(-0.08, 0.08);
            let (sin, cos) = turn.sin_cos();
            let (mid, tip) = ((top_x + cos * s * 0.24, top_y + sin * s * 0.20 - s * 0.02), (top_x + cos * s * 0.44, top_y + sin * s * 0.12 + s * 0.14));
            let leaf = self.pick([0x2f6b35, 0x3f8040, 0x26592f]);
            self.poly(&[(top_x, top_y), (mid.0, mid.1 - s * 0.035), tip, (mid.0, mid.1 + s * 0.035)], leaf);
        }
    }

    fn person(&mut self, x: f32, y: f32, s: f32, hat: bool) {
        let shirt = self.pick([0xc8503c, 0x2f6f9f, 0x7a4a86, 0xe0a03a, 0x3f8a62, 0xf2f0e8, 0x8a5a3c]);
        self.oval(x, y, s * 0.2, s * 0.03, (0x101010, 0.28));
        self.poly(&[(x - s * 0.10, y), (x - s * 0.09, y - s * 0.45), (x + s * 0.09, y - s * 0.45), (x + s * 0.10, y), (x + s * 0.02, y), (x, y - s * 0.36), (x - s * 0.02, y)], 0x2e3440);
        self.poly(&[(x - s * 0.12, y - s * 0.40), (x - s * 0.13, y - s * 0.76), (x - s * 0.06, y - s * 0.82), (x + s * 0.06, y - s * 0.82), (x + s * 0.13, y - s * 0.76), (x + s * 0.12, y - s * 0.40)], shirt);
        self.oval(x, y - s * 0.90, s * 0.075, s * 0.09, 0xd9a47c);
        if hat {
            self.poly(&[(x - s * 0.2, y - s * 0.89), (x, y - s * 1.06), (x + s * 0.2, y - s * 0.89)], (0xf3e3b5, 0xd2b877));
        } else {
            self.poly(&[(x - s * 0.08, y - s * 0.89), (x - s * 0.07, y - s * 0.98), (x, y - s * 1.005), (x + s * 0.07, y - s * 0.98), (x + s * 0.08, y - s * 0.89), (x, y - s * 0.95)], 0x241c1a);
        }
    }

    fn flag(&mut self, x: f32, y: f32, s: f32) {
        self.rect(x - s * 0.012, y - s, s * 0.024, s, (0xe8e8e8, 0x9a9a9a));
        let (w, h, top) = (s * 0.36, s * 0.24, y - s * 0.98);
        self.poly(&[(x, top), (x + w * 0.5, top + h * 0.06), (x + w, top), (x + w, top + h), (x + w * 0.5, top + h * 1.06), (x, top + h)], (0xe23028, 0xc81e1e));
        let star: Vec<Point> = (0..10)
            .map(|i| ((i as f32 * PI / 5.0).sin_cos(), if i % 2 == 0 { 0.32 } else { 0.125 }))
            .map(|((sin, cos), r)| (x + w / 2.0 + sin * r * h, top + h * 0.53 - cos * r * h))
            .collect();
        self.poly(&star, 0xffdd33);
    }

    fn house(&mut self, x: f32, y: f32, s: f32) {
        let (wall, roof) = (self.pick([0xf1dfb8, 0xe8d0c0, 0xdfe6e0, 0xf4e8d0]), self.pick([0xb5503a, 0xa03f30, 0x6f7f8f]));
        self.rect(x, y - s * 0.5, s, s * 0.5, (wall, self.far(wall, 0.25)));
        self.poly(&[(x - s * 0.1, y - s * 0.48), (x + s * 0.16, y - s * 0.8), (x + s * 0.84, y - s * 0.8), (x + s * 1.1, y - s * 0.48)], roof);
        self.rect(x + s * 0.42, y - s * 0.36, s * 0.16, s * 0.36, 0x6a4a35);
        for at in [0.12, 0.7] {
            self.rect(x + s * at, y - s * 0.34, s * 0.18, s * 0.17, 0x4d7385);
        }
    }

    /// A public building of some floors: plinth, pillars, windows, cornice, pitched roof.
    fn building(&mut self, x: f32, y: f32, w: f32, h: f32, floors: u8, (wall, roof): (u32, u32)) {
        self.oval(x + w / 2.0, y + 0.01, w * 0.56, 0.025, (0x102018, 0.25));
        self.rect(x, y - h, w, h, (wall, self.far(wall, 0.18)));
        self.poly(&[(x - w * 0.03, y - h), (x + w * 0.06, y - h * 1.22), (x + w * 0.94, y - h * 1.22), (x + w * 1.03, y - h)], (roof, self.far(roof, 0.2)));
        let (floor, bays) = (h / f32::from(floors), (w / 0.12) as u8);
        let bay = w / f32::from(bays);
        for level in 0..floors {
            let top = y - h + floor * f32::from(level);
            self.rect(x, top + floor * 0.10, w, floor * 0.72, (0x33454f, 0.20));
            for n in 0..bays {
                let left = x + bay * f32::from(n);
                let door = level + 1 == floors && n % 3 == 1;
                let (sill, pane) = if door { (0.98, 0x5b4636) } else { (0.72, 0x57808f) };
                self.rect(left + bay * 0.24, top + floor * 0.24, bay * 0.52, floor * (sill - 0.24), (pane, self.far(pane, 0.4)));
                self.rect(left + bay * 0.49, top + floor * 0.24, bay * 0.03, floor * (sill - 0.24), 0xf4f4ee);
                self.rect(left - bay * 0.05, top, bay * 0.10, floor, 0xfffaf0);
            }
            self.rect(x - w * 0.01, top + floor * 0.94, w * 1.02, floor * 0.07, 0xfdf6e8);
        }
        self.rect(x - w * 0.02, y - 0.012, w * 1.04, 0.02, 0xb9b2a6);
    }

    /// Tint, a darker rim, fine grain, then JPEG.
    fn jpeg(mut self) -> Vec<u8> {
        let [tr, tg, tb] = rgb(self.mood.4);
        let (w, h) = (self.w as f32, self.h as f32);
        let mut bytes = Vec::with_capacity(self.w * self.h * 3);
        let mut grain = self.next() as u32 | 1;
        for (y, row) in self.px.chunks_exact(self.w).enumerate() {
            let dy = y as f32 / h - 0.5;
            for (x, [r, g, b]) in row.iter().enumerate() {
                let dx = x as f32 / w - 0.5;
                grain ^= grain << 13;
                grain ^= grain >> 17;
                grain ^= grain << 5;
                let noise = (grain >> 24) as f32 / 80.0 - 1.6;
                let light = (1.0 - 0.34 * (dx * dx + dy * dy)) / 255.0;
                bytes.extend([(r, tr), (g, tg), (b, tb)].map(|(v, t)| (v * t * light + noise) as u8));
            }
        }
        let mut jpeg = Vec::new();
        let size = (u32::try_from(self.w).unwrap_or(0), u32::try_from(self.h).unwrap_or(0));
        // Writing to memory cannot fail.
        let _ = JpegEncoder::new_with_quality(&mut jpeg, 86).encode(&bytes, size.0, size.1, ExtendedColorType::Rgb8);
        jpeg
    }
}

fn field(c: &mut Canvas) {
    let (wide, y0) = (c.wide, c.r(0.40, 0.48));
    c.sky(y0);
    c.hills(y0, 0.13);
    let (a, b, gap) = c.pick([(0x8fbf45, 0x5f9a35, 0x3f7a38), (0xe3c04f, 0xc99a35, 0x9a7a30), (0x7fb868, 0x9fcfd0, 0x4f8a50)]);
    c.rect(0.0, y0, wide, 1.0 - y0, (c.far(gap, 0.45), gap));
    let vanish = c.r(0.3, 0.7) * wide;
    for i in -22..22_i16 {
        let (x, width) = (f32::from(i) * 0.16, 0.10);
        let hex = if i % 2 == 0 { a } else { b };
        let spread = |k: f32, at: f32| vanish + at * k;
        c.poly(&[(spread(0.09, x), y0), (spread(0.09, x + width), y0), (spread(1.9, x + width), 1.0), (spread(1.9, x), 1.0)], (c.far(hex, 0.4), hex));
    }
    for i in 0..12 {
        let x = (i as f32 + c.r(0.0, 0.8)) / 12.0 * wide;
        let (s, leaf) = (c.r(0.05, 0.10), c.far(0x3f7a3f, 0.25));
        if i % 4 == 1 { c.house(x, y0 + 0.012, s * 0.9) } else { c.tree(x, y0 + 0.012, s, leaf) }
    }
    c.poly(&[(vanish - 0.012, y0), (vanish + 0.012, y0), (vanish + 0.30, 1.0), (vanish - 0.10, 1.0)], (c.far(0xc9a878, 0.4), 0xb48a5c));
    for i in 0..260 {
        let y = y0 + 0.03 + (1.0 - y0) * (i as f32 / 260.0).powf(0.8);
        let s = (y - y0) * 0.11;
        let x = c.r(0.0, wide);
        let hex = c.pick([a, b, gap]);
        for lean in [-0.4, 0.0, 0.4] {
            c.line((x, y), (x + lean * s, y - s), s * 0.13, (hex, 0.8));
        }
    }
    for _ in 0..(c.next() % 4 + 3) {
        let y = c.r(y0 + 0.07, 0.92);
        let x = c.r(0.05, 0.95) * wide;
        c.person(x, y, 0.04 + (y - y0) * 0.38, true);
    }
}

fn river(c: &mut Canvas) {
    let (wide, y0) = (c.wide, c.r(0.40, 0.50));
    c.sky(y0);
    c.hills(y0, c.mood.0 as f32 * 0.0 + 0.18);
    let (top, low) = (c.mood.0, c.mood.1);
    c.rect(0.0, y0, wide, 1.0 - y0, (c.far(low, 0.2), c.far(top, 0.1)));
    for i in 0..150 {
        let t = i as f32 / 150.0;
        let y = y0 + 0.01 + (1.0 - y0) * t * t.sqrt();
        let (x, len) = (c.r(-0.1, wide), c.r(0.03, 0.14) * (0.4 + t));
        let hex = c.pick([0xffffff, low, 0x2f5f7a]);
        c.oval(x, y, len, 0.0012 + 0.0035 * t, (hex, 0.30));
    }
    for i in 0..16 {
        let x = (i as f32 + c.r(0.0, 0.9)) / 16.0 * wide;
        let (s, leaf) = (c.r(0.06, 0.12), c.far(0x2f6f3f, 0.3));
        match i % 5 {
            0 => c.house(x, y0 + 0.015, s),
            1 | 3 => c.palm(x, y0 + 0.015, s * 1.5),
            _ => c.tree(x, y0 + 0.015, s, leaf),
        }
    }
    c.rect(0.0, y0 + 0.008, wide, 0.012, (0x5f7a45, 0.9));
    if c.next() % 2 == 0 {
        let y = y0 - 0.035;
        c.rect(0.0, y, wide, 0.016, (0xe9e4da, 0xb8b0a4));
        for i in 0..=8 {
            let x = i as f32 / 8.0 * wide;
            c.rect(x - 0.008, y + 0.014, 0.016, 0.075, (0xd0c8ba, 0x8f8a80));
            c.line((x, y), (x + wide / 8.0, y - 0.02), 0.003, 0xd8d2c6);
        }
    }
    for _ in 0..(c.next() % 3 + 2) {
        let y = c.r(y0 + 0.10, 0.86);
        let (x, s) = (c.r(0.12, 0.8) * wide, 0.07 + (y - y0) * 0.34);
        c.oval(x, y + s * 0.15, s * 1.0, s * 0.09, (0x14303f, 0.35));
        c.person(x + s * 0.25, y, s * 0.85, true);
        c.poly(&[(x - s, y - s * 0.10), (x + s, y - s * 0.10), (x + s * 0.62, y + s * 0.14), (x - s * 0.62, y + s * 0.14)], (0x8a5a38, 0x4f3423));
        c.line((x + s * 0.1, y - s * 0.5), (x - s * 0.9, y + s * 0.22), s * 0.035, 0xb08a58);
    }
    let side = c.pick([0.06, 0.9]) * wide;
    c.poly(&[(side - 0.5, 1.0), (side - 0.2, 0.93), (side + 0.2, 0.945), (side + 0.45, 1.0)], (0x4f7a3a, 0x2f5528));
    for dx in [-0.06, 0.06] {
        let s = c.r(0.5, 0.75);
        c.palm(side + dx, 0.97, s);
    }
}

fn hall(c: &mut Canvas) {
    let wide = c.wide;
    c.mood = MOODS[1];
    let (wall, cloth) = c.pick([(0xe9dcc4, 0xa81f24), (0xdfe4e2, 0x8f1d2c), (0xf0e2c8, 0xb5352a)]);
    c.rect(0.0, 0.0, wide, 0.62, (c.far(wall, 0.1), wall));
    c.rect(0.0, 0.0, wide, 0.09, (0xcfc4b0, 0xefe6d6));
    for i in 0..5 {
        let x = (i as f32 + 0.5) / 5.0 * wide;
        c.oval(x, 0.055, 0.06, 0.012, 0xfffbe8);
        c.glow(x, 0.06, 0.3, 0xfff3c8, 0.5);
    }
    let (left, width) = (wide * 0.14, wide * 0.72);
    c.rect(left, 0.13, width, 0.40, (cloth, c.far(cloth, 0.15)));
    for i in 0..26 {
        let x = left + width * i as f32 / 26.0;
        c.rect(x, 0.13, width / 52.0, 0.40, (0x300808, 0.20));
    }
    c.rect(left, 0.13, width, 0.035, (0xf0c650, 0xc8952f));
    c.rect(left + width * 0.28, 0.20, width * 0.44, 0.11, (0xf4e7c0, 0.92));
    for (at, share) in [(0.225, 0.30), (0.252, 0.36), (0.279, 0.22)] {
        c.rect(wide / 2.0 - width * share / 2.0, at, width * share, 0.012, cloth);
    }
    c.flag(left + width * 0.10, 0.52, 0.30);
    c.rect(left - 0.04, 0.52, width + 0.08, 0.07, (0xb98a58, 0x7f5838));
    let seats = if wide > 1.0 { 7 } else { 4 };
    for i in 0..seats {
        let x = left + width * (0.30 + 0.55 * i as f32 / seats as f32);
        c.person(x, 0.53, 0.16, false);
    }
    c.rect(left + width * 0.26, 0.455, width * 0.62, 0.075, (0xf6f1e6, 0xd8cdb8));
    c.rect(left + width * 0.26, 0.452, width * 0.62, 0.012, 0xb5302a);
    let podium = left + width * 0.17;
    c.person(podium + 0.03, 0.52, 0.20, false);
    c.poly(&[(podium - 0.02, 0.42), (podium + 0.085, 0.42), (podium + 0.075, 0.535), (podium - 0.01, 0.535)], (0x9a6a40, 0x6a4528));
    c.rect(0.0, 0.59, wide, 0.41, (0xa88c70, 0x5f4a3c));
    for row in 0..6 {
        let t = row as f32 / 5.0;
        let (y, s) = (0.66 + 0.36 * t * t.sqrt() + 0.02 * t, 0.030 + 0.058 * t);
        let count = (wide / (s * 2.5)) as u16 + 2;
        let shift = c.r(0.0, s * 2.0);
        for i in 0..count {
            let x = f32::from(i) * s * 2.5 - shift;
            let aisle = (x - wide / 2.0).abs() < s * 1.5;
            if aisle { continue }
            if c.r(0.0, 1.0) < 0.9 {
                let coat = c.pick([0xf2efe8, 0xdfe8ee, 0x5a7a9a, 0x7a4f5a, 0x47604f, 0xcfd6c8]);
                c.poly(&[(x - s * 1.0, y + s * 1.4), (x - s * 0.8, y), (x - s * 0.3, y - s * 0.25), (x + s * 0.3, y - s * 0.25), (x + s * 0.8, y), (x + s * 1.0, y + s * 1.4)], coat);
                c.oval(x, y - s * 0.62, s * 0.46, s * 0.56, (0x2a211e, 0x3f322c));
            }
            c.rect(x - s * 1.02, y + s * 0.55, s * 2.04, s * 1.5, (0x9f2f2c, 0x5a1a1a));
        }
    }
}

fn road(c: &mut Canvas) {
    let (wide, y0) = (c.wide, c.r(0.42, 0.50));
    c.sky(y0);
    c.hills(y0, 0.10);
    let vanish = c.r(0.35, 0.65) * wide;
    let ground = c.pick([0x7fae4a, 0xb8b04f, 0x6a9f55]);
    c.rect(0.0, y0, wide, 1.0 - y0, (c.far(ground, 0.45), ground));
    let (l, r) = (wide * 0.5 - 0.62, wide * 0.5 + 0.62);
    c.poly(&[(vanish - 0.015, y0), (vanish + 0.015, y0), (r + 0.1, 1.0), (l - 0.1, 1.0)], (0xc8b898, 0xa89070));
    c.poly(&[(vanish - 0.010, y0), (vanish + 0.010, y0), (r, 1.0), (l, 1.0)], (c.far(0xb9bcbc, 0.3), 0x8f9496));
    let at = |t: f32, side: f32| (vanish + (wide * 0.5 + side * 0.62 - vanish) * t, y0 + (1.0 - y0) * t);
    for i in 1..22 {
        let t = (i as f32 / 22.0).powi(2);
        c.line(at(t, -1.0), at(t, 1.0), 0.001 + 0.004 * t, (0x5f6466, 0.5));
        let (p, q) = (at(t, 0.0), at(t * 1.07 + 0.001, 0.0));
        c.line(p, q, 0.002 + 0.012 * t, (0xf6f3e6, 0.85));
    }
    let bunting = c.next() % 2 == 0;
    for i in 1..=9 {
        let t = (i as f32 / 9.0).powf(1.9);
        for side in [-1.0, 1.0] {
            let (x, y) = at(t, side * (1.45 + c.r(0.0, 0.25)));
            let leaf = c.far(0x4f8f3f, 0.4 * (1.0 - t));
            match (i + if side > 0.0 { 1 } else { 0 }) % 4 {
                0 if t < 0.5 => c.house(x - 0.15 * t, y, 0.03 + 0.5 * t),
                1 => c.palm(x, y, 0.05 + 0.55 * t),
                _ => c.tree(x, y, 0.05 + 0.5 * t, leaf),
            }
            let (x, y) = at(t, side * 1.12);
            if bunting && i % 2 == 0 {
                c.flag(x, y, 0.02 + 0.42 * t);
            } else {
                c.rect(x, y - 0.012 - 0.10 * t, 0.002 + 0.016 * t, 0.012 + 0.10 * t, (0xf2efe8, 0xc8413a));
            }
        }
    }
    for _ in 0..3 {
        let t = c.r(0.10, 0.6);
        let side = c.r(-0.7, 0.7);
        let (x, y) = at(t, side);
        let (s, hat) = (0.03 + 0.34 * t, c.next() % 2 == 0);
        c.oval(x, y - s * 0.16, s * 0.05, s * 0.16, 0x22262a);
        c.person(x, y - s * 0.12, s, hat);
    }
}

fn school(c: &mut Canvas) {
    let wide = c.wide;
    c.sky(0.55);
    c.hills(0.55, 0.08);
    c.rect(0.0, 0.60, wide, 0.40, (0xd8c6a4, 0xb89a78));
    let paint = c.pick([(0xf3cf6b, 0xb5452f), (0xf7dc94, 0x9f3a2c), (0xeec87a, 0x4f6f8f)]);
    let (w, floors) = (wide * c.r(0.66, 0.8), if c.next() % 3 == 0 { 3 } else { 2 });
    let x = (wide - w) / 2.0;
    c.building(x, 0.64, w, 0.15 * f32::from(floors), floors, paint);
    c.rect(0.0, 0.648, wide, 0.022, (0x5f8f45, 0x4a7838));
    for i in 0..9 {
        let t = i as f32 / 9.0;
        c.line((wide * 0.5 + (t - 0.45) * 0.5, 0.67), (wide * 0.5 + (t - 0.45) * 6.0, 1.0), 0.004, (0xfff4dc, 0.35));
    }
    for side in [0.05, 0.95] {
        let leaf = c.pick([0x4f8f3f, 0xc8452f, 0x6aa045]);
        let s = c.r(0.5, 0.62);
        c.tree(wide * side, 0.76, s, leaf);
    }
    c.flag(wide * 0.5, 0.72, 0.52);
    c.rect(wide * 0.5 - 0.05, 0.71, 0.10, 0.02, 0xcfc6b8);
    for row in 0..4 {
        let y = 0.75 + 0.065 * row as f32;
        let s = 0.085 + 0.022 * row as f32;
        let step = s * 0.62;
        for i in 0..(wide * 0.66 / step) as u16 {
            let x = wide * 0.17 + f32::from(i) * step + c.r(-0.1, 0.1) * step;
            c.person(x, y, s, false);
            c.rect(x - s * 0.115, y - s * 0.76, s * 0.23, s * 0.34, 0xfbfbf8);
            c.poly(&[(x - s * 0.07, y - s * 0.80), (x + s * 0.07, y - s * 0.80), (x, y - s * 0.62)], 0xd8282a);
        }
    }
}

fn market(c: &mut Canvas) {
    let (wide, y0) = (c.wide, 0.46);
    c.sky(y0);
    c.hills(y0, 0.10);
    for i in 0..6 {
        let (x, s, leaf) = (wide * (i as f32 + 0.3) / 6.0, c.r(0.14, 0.24), c.far(0x4a7f3f, 0.2));
        c.tree(x, y0 + 0.03, s, leaf);
    }
    c.rect(0.0, y0, wide, 1.0 - y0, (0xc9b394, 0x8f7458));
    for row in 0..3 {
        let t = row as f32 / 2.0;
        let (y, s) = (0.56 + 0.34 * t * t + 0.07 * t, 0.20 + 0.24 * t);
        let shift = c.r(0.0, s);
        for i in 0..(wide / (s * 1.2)) as u16 + 2 {
            let x = f32::from(i) * s * 1.2 - shift;
            let (cloth, light) = c.pick([(0xc83f34, 0xf6ead8), (0x2f7fa8, 0xf2f2ea), (0x3f8f58, 0xf4ecc8), (0xe0952f, 0xfff2d8)]);
            for post in [x, x + s * 0.98] {
                c.rect(post, y - s * 0.75, s * 0.02, s * 0.75, 0x6a5240);
            }
            c.rect(x + s * 0.02, y - s * 0.72, s * 0.96, s * 0.42, (0x2f2620, 0.45));
            for _ in 0..2 {
                let at = x + s * c.r(0.2, 0.8);
                let hat = c.next() % 2 == 0;
                c.person(at, y - s * 0.02, s * 0.62, hat);
            }
            c.rect(x, y - s * 0.26, s, s * 0.26, (0xa8784a, 0x6f4c30));
            for k in 0..9 {
                let (fruit, dy) = (c.pick([0xd8402f, 0xf0a030, 0x6fae3f, 0xf2d24a, 0x8f3f6a, 0xe8e4d0]), if k % 2 == 0 { 0.27 } else { 0.31 });
                c.oval(x + s * (0.08 + 0.105 * k as f32), y - s * dy, s * 0.065, s * 0.05, fruit);
            }
            for k in 0..8_u8 {
                let (p, w) = (x - s * 0.06 + s * 0.14 * f32::from(k), s * 0.14);
                let hex = if k % 2 == 0 { cloth } else { light };
                c.poly(&[(p + s * 0.05, y - s * 0.92), (p + w + s * 0.05 * (1.0 - f32::from(k) / 4.0), y - s * 0.92), (p + w, y - s * 0.70), (p, y - s * 0.70)], hex);
                c.oval(p + w / 2.0, y - s * 0.70, w / 2.0, s * 0.035, hex);
            }
        }
        for _ in 0..4 {
            let (x, hat) = (c.r(0.0, wide), c.next() % 3 > 0);
            c.person(x, y + 0.05 + 0.03 * t, s * 0.72, hat);
        }
    }
}

fn festival(c: &mut Canvas) {
    let wide = c.wide;
    c.mood = c.pick([MOODS[2], MOODS[1], MOODS[4]]);
    c.sky(0.62);
    c.hills(0.60, 0.10);
    c.rect(0.0, 0.62, wide, 0.38, (0xd0a878, 0x8a6040));
    for i in 0..8 {
        let (x, s) = (wide * i as f32 / 7.0, c.r(0.22, 0.36));
        c.tree(x, 0.64, s, 0x4f7f3a);
    }
    let (m, w) = (wide / 2.0, wide * 0.34);
    c.rect(m - w * 0.85, 0.46, w * 1.7, 0.20, (0x7a3428, 0x55241c));
    for i in 0..9 {
        c.rect(m - w * 0.85 + w * 1.7 * i as f32 / 8.0 - 0.008, 0.46, 0.016, 0.20, (0xc8402f, 0x8f2a20));
    }
    for (y, k) in [(0.47, 1.0), (0.33, 0.62)] {
        let s = w * k;
        c.poly(&[(m - s * 1.22, y - 0.045), (m - s * 0.95, y - 0.015), (m - s * 0.62, y - 0.12), (m + s * 0.62, y - 0.12), (m + s * 0.95, y - 0.015), (m + s * 1.22, y - 0.045), (m + s * 1.0, y + 0.03), (m, y + 0.02), (m - s * 1.0, y + 0.03)], (0xb0553a, 0x7a3526));
        c.line((m - s * 0.64, y - 0.122), (m + s * 0.64, y - 0.122), 0.012, 0xe0b45a);
    }
    c.rect(m - w * 0.5, 0.35, w, 0.02, 0xe0b45a);
    c.rect(m - w * 1.0, 0.655, w * 2.0, 0.025, 0xb8a68c);
    for side in [-1.0, 1.0] {
        for k in 0..4 {
            let t = k as f32 / 3.0;
            let (x, y, s) = (m + side * (wide * 0.20 + wide * 0.27 * t), 0.70 + 0.16 * t, 0.30 + 0.26 * t);
            c.rect(x - 0.004, y - s, 0.008, s, 0x6a4a30);
            for (n, hex) in [0x2f6fb0, 0xf0c840, 0xd83a30, 0x3f9a50, 0xfff4e0].into_iter().enumerate() {
                let q = s * 0.30 * (1.0 - n as f32 * 0.2);
                c.rect(x + (s * 0.30 - q) / 2.0, y - s + (s * 0.30 - q) / 2.0, q, q, hex);
            }
        }
    }
    for line in 0..3 {
        let (y, sag) = (0.06 + 0.07 * line as f32, c.r(0.06, 0.12));
        let hang = |t: f32| (t * wide, y + sag * (1.0 - (2.0 * t - 1.0).powi(2)));
        for i in 0..20 {
            let t = i as f32 / 20.0;
            c.line(hang(t), hang(t + 0.05), 0.003, 0x4f3a30);
        }
        for i in 0..7 {
            let ((x, y), hex) = (hang((i as f32 + 0.5) / 7.0), c.pick([0xe23a2c, 0xf0a030, 0xd8452f]));
            c.glow(x, y + 0.035, 0.09, 0xffd080, 0.5);
            c.oval(x, y + 0.035, 0.026, 0.030, (0xffb060, hex));
            c.rect(x - 0.008, y + 0.002, 0.016, 0.006, 0x6a2a1c);
            c.rect(x - 0.002, y + 0.065, 0.004, 0.03, 0xf0c040);
        }
    }
    for i in 0..70 {
        let t = (i as f32 / 70.0).powi(2);
        let (x, hat) = (c.r(-0.05, wide + 0.05), c.next() % 3 == 0);
        if t < 0.5 && (x - m).abs() < 0.10 { continue }
        c.person(x, 0.71 + 0.32 * t, 0.10 + 0.17 * t, hat);
    }
}

fn forest(c: &mut Canvas) {
    let wide = c.wide;
    let (mist, deep) = c.pick([(0xdcebc4, 0x4f8a4f), (0xe9e6b8, 0x6f8f45), (0xcfe4dc, 0x3f7a68)]);
    c.mood = (mist, mist, mist, 0xfff6c8, 0xfffdf2);
    c.rect(0.0, 0.0, wide, 1.0, (mist, deep));
    let sun = c.r(0.2, 0.8) * wide;
    c.glow(sun, 0.12, 0.9, 0xfffbe0, 0.9);
    for layer in 0..5 {
        let t = layer as f32 / 4.0;
        let ground = c.far(0x355f2c, 0.75 - 0.7 * t);
        c.ridge(0.66 + 0.10 * t, 0.03, 4.0, (ground, c.far(0x24451f, 0.6 - 0.55 * t)));
        let bark = c.far(0x463527, 0.78 - 0.72 * t);
        for i in 0..(13 - layer * 2) {
            let count = (13 - layer * 2) as f32;
            let x = (i as f32 + c.r(0.0, 1.0)) / count * wide;
            let (s, lean, foot) = (0.012 + 0.028 * t, c.r(-0.03, 0.03), 0.68 + 0.14 * t + c.r(0.0, 0.03));
            c.poly(&[(x - s * 1.5, foot), (x - s * 0.8, foot - 0.1), (x + lean - s * 0.5, 0.0), (x + lean + s * 0.5, 0.0), (x + s * 0.8, foot - 0.1), (x + s * 1.5, foot)], (c.far(0x6a5540, 0.78 - 0.6 * t), bark));
            c.poly(&[(x - s * 1.5, foot), (x - s * 0.8, foot - 0.1), (x + lean - s * 0.5, 0.0), (x + lean - s * 0.2, 0.0), (x - s * 0.2, foot)], (0xfff0c0, 0.10));
        }
        for _ in 0..26 {
            let (x, y, k) = (c.r(0.0, wide), c.r(-0.05, 0.20 + 0.05 * (1.0 - t)), c.r(0.04, 0.11));
            let leaf = c.pick([0x3f7a34, 0x5a9a3f, 0x2f6430, 0x86b548]);
            c.oval(x, y, k, k * 0.62, (c.far(leaf, 0.7 - 0.65 * t), 0.75));
        }
        if layer < 4 {
            for _ in 0..3 {
                let (x, w) = (c.r(-0.4, 0.5), c.r(0.03, 0.08));
                c.poly(&[(sun, -0.1), (sun + w, -0.1), (sun + w * 3.0 + x, 0.85), (sun + x, 0.85)], (0xfff8d8, 0.10));
            }
        }
    }
    let path = c.r(0.35, 0.65) * wide;
    c.poly(&[(path - 0.015, 0.76), (path + 0.03, 0.76), (path + 0.10, 0.86), (path + 0.40, 1.0), (path - 0.28, 1.0), (path - 0.02, 0.86)], (0xb89a6a, 0x7f6242));
    for i in 0..2 {
        let hat = c.next() % 2 == 0;
        c.person(path + 0.03 + 0.07 * i as f32, 0.90 + 0.03 * i as f32, 0.21, hat);
    }
    for _ in 0..130 {
        let (x, y) = (c.r(0.0, wide), c.r(0.82, 1.04));
        if (x - path - 0.04).abs() < (y - 0.74) * 1.2 { continue }
        let hex = c.pick([0x3f7a34, 0x5a9a3f, 0x2a5526, 0x86b548]);
        for i in 0..5 {
            let turn = (i as f32 - 2.0) * 0.5;
            c.line((x, y), (x + turn.sin() * 0.06, y - turn.cos() * 0.06), 0.008, (hex, 0.9));
        }
    }
}

fn office(c: &mut Canvas) {
    let wide = c.wide;
    c.mood = MOODS[3];
    let (wall, trim) = c.pick([(0xe8efe9, 0x2f7a5a), (0xeaf0f5, 0x2f6a9f), (0xf3ecdf, 0xb5452f)]);
    c.rect(0.0, 0.0, wide, 0.66, (wall, 0xfbfbf8));
    for i in 0..4 {
        let x = wide * (i as f32 + 0.5) / 4.0;
        c.rect(x - 0.12, 0.03, 0.24, 0.02, 0xffffff);
        c.glow(x, 0.05, 0.35, 0xffffff, 0.6);
    }
    let desks = if wide > 1.0 { 4 + (c.next() % 2) as u8 } else { 3 };
    let step = wide / f32::from(desks);
    for i in 0..desks {
        let x = step * (f32::from(i) + 0.5);
        c.rect(x - step * 0.34, 0.14, step * 0.68, 0.085, (trim, c.far(trim, 0.15)));
        c.oval(x - step * 0.24, 0.1825, 0.022, 0.026, 0xfff6e0);
        for (y, w) in [(0.168, 0.40), (0.19, 0.30)] {
            c.rect(x - step * 0.12, y, step * w, 0.011, 0xffffff);
        }
        c.rect(x - step * 0.16, 0.27, step * 0.32, 0.16, (0x9fc4d8, 0xd8ecf4));
        c.rect(x - step * 0.005, 0.27, step * 0.01, 0.16, 0xffffff);
        c.person(x - step * 0.08, 0.72, 0.30, false);
        let at = x + step * 0.10;
        c.rect(at, 0.465, 0.115, 0.078, (0x2a2f36, 0x3c444c));
        c.rect(at + 0.05, 0.54, 0.015, 0.03, 0x444a50);
    }
    c.rect(0.0, 0.565, wide, 0.025, (0xd9b98a, 0xb8905a));
    c.rect(0.0, 0.59, wide, 0.17, (0xf4f4ee, 0xd4d8d4));
    c.rect(0.0, 0.615, wide, 0.022, trim);
    for i in 0..=desks {
        let x = step * f32::from(i);
        c.rect(x - 0.006, 0.40, 0.012, 0.36, (0xc8d8dc, 0.9));
    }
    c.rect(0.0, 0.76, wide, 0.24, (0xd8d4c8, 0xaaa294));
    for i in 0..14 {
        let t = i as f32 / 13.0 - 0.5;
        c.line((wide * (0.5 + t * 1.1), 0.76), (wide * (0.5 + t * 2.2), 1.0), 0.002, (0xffffff, 0.5));
    }
    for i in 0..desks {
        if c.r(0.0, 1.0) < 0.7 {
            let (x, hat) = (step * (f32::from(i) + c.r(0.35, 0.65)), false);
            c.person(x, 0.85, 0.38, hat);
        }
    }
    for side in [0.03, 0.97] {
        let x = wide * side;
        c.poly(&[(x - 0.05, 0.80), (x + 0.05, 0.80), (x + 0.035, 0.91), (x - 0.035, 0.91)], (0xb5603f, 0x7f3f2a));
        for i in 0..9 {
            let turn = (i as f32 - 4.0) * 0.28;
            let tip = (x + turn.sin() * 0.16, 0.80 - turn.cos() * 0.24);
            c.poly(&[(x - 0.006, 0.80), ((x + tip.0) / 2.0 - 0.018, (0.80 + tip.1) / 2.0), tip, ((x + tip.0) / 2.0 + 0.018, (0.80 + tip.1) / 2.0), (x + 0.006, 0.80)], (0x5fa04a, 0x2f6a30));
        }
    }
    for i in 0..(wide / 0.17) as u16 {
        let x = 0.04 + f32::from(i) * 0.17;
        c.rect(x, 0.93, 0.14, 0.09, (trim, c.far(trim, 0.2)));
    }
}

fn clinic(c: &mut Canvas) {
    let wide = c.wide;
    c.sky(0.56);
    c.hills(0.56, 0.09);
    c.rect(0.0, 0.60, wide, 0.40, (0x9fbf78, 0x6f9a50));
    let paint = c.pick([(0xf4f7f5, 0x3f8f7f), (0xeaf3f8, 0x3f78a8), (0xfbf4e6, 0x4f9a6a)]);
    let w = wide * 0.74;
    let x = (wide - w) / 2.0;
    for at in [0.0, 0.14, 0.86, 1.0] {
        let s = c.r(0.3, 0.42);
        c.tree(wide * at, 0.64, s, 0x5a9a4a);
    }
    let floors = if c.next() % 2 == 0 { 1 } else { 2 };
    c.building(x, 0.68, w, 0.20 + 0.12 * f32::from(floors - 1), floors, paint);
    let (m, top) = (wide / 2.0, 0.68 - 0.20 - 0.12 * f32::from(floors - 1));
    c.poly(&[(m - 0.19, top + 0.01), (m, top - 0.13), (m + 0.19, top + 0.01)], (paint.1, c.far(paint.1, 0.3)));
    c.rect(m - 0.15, top, 0.30, 0.68 - top, (0xffffff, 0xe4ebe8));
    c.oval(m, top + 0.05, 0.042, 0.042, paint.1);
    c.rect(m - 0.008, top + 0.024, 0.016, 0.052, 0xffffff);
    c.rect(m - 0.026, top + 0.042, 0.052, 0.016, 0xffffff);
    c.rect(m - 0.07, 0.53, 0.14, 0.15, (0x6fa0b0, 0xa8ccd4));
    c.rect(m - 0.003, 0.53, 0.006, 0.15, 0xffffff);
    c.poly(&[(m - 0.16, 0.69), (m + 0.16, 0.69), (m + 0.55, 1.0), (m - 0.55, 1.0)], (0xd8d2c4, 0xb4aa98));
    for side in [-1.0, 1.0] {
        for k in 0..7 {
            let t = k as f32 / 6.0;
            let (x, y) = (m + side * (0.22 + 0.38 * t), 0.70 + 0.27 * t);
            let flower = c.pick([0xe86a8a, 0xf4c84a, 0xf2f2f2, 0xd8503f]);
            c.oval(x, y, 0.035 + 0.03 * t, 0.022 + 0.02 * t, (0x4f8f45, 0x2f6a34));
            for d in [-0.5, 0.1, 0.6] {
                c.oval(x + d * 0.05, y - 0.01, 0.007, 0.007, flower);
            }
        }
    }
    let (x, y, s) = (wide * c.pick([0.10, 0.66]), 0.86, 0.30);
    c.oval(x + s * 0.5, y + 0.02, s * 0.55, 0.02, (0x101810, 0.35));
    c.poly(&[(x, y), (x, y - s * 0.46), (x + s * 0.70, y - s * 0.46), (x + s * 0.86, y - s * 0.24), (x + s, y - s * 0.18), (x + s, y)], (0xffffff, 0xdfe4e4));
    c.poly(&[(x + s * 0.58, y - s * 0.24), (x + s * 0.58, y - s * 0.40), (x + s * 0.68, y - s * 0.40), (x + s * 0.80, y - s * 0.24)], 0x3f5f70);
    c.rect(x, y - s * 0.17, s, s * 0.05, paint.1);
    c.rect(x + s * 0.44, y - s * 0.50, s * 0.12, s * 0.04, 0x3f8fe0);
    for at in [0.2, 0.8] {
        c.oval(x + s * at, y, s * 0.09, s * 0.09, 0x22262a);
        c.oval(x + s * at, y, s * 0.04, s * 0.04, 0xb8bec0);
    }
    for _ in 0..7 {
        let t = c.r(0.0, 1.0);
        let (x, hat) = (m + c.r(-0.2, 0.2) * (0.6 + t), c.next() % 3 == 0);
        c.person(x, 0.72 + 0.2 * t, 0.14 + 0.12 * t, hat);
    }
}
