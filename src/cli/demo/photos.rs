//! Paints the photographs of the demo portal, so that none has to be shipped: ten scenes of a
//! commune, each varied by its seed; the same seed gives the same picture.

#![expect(clippy::as_conversions, reason = "pixel arithmetic")]

use std::collections::HashMap;
use std::f32::consts::TAU;

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
        use Scene::*;
        let all = [
            Field, River, Hall, Road, School, Market, Festival, Forest, Office, Clinic,
        ];
        all.into_iter().find(|scene| scene.name() == name)
    }

    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// A JPEG of 1600 × 1067 pixels, or 1067 × 1600.
pub fn draw(scene: Scene, seed: u64, portrait: bool) -> Vec<u8> {
    let (w, h) = if portrait { (1067, 1600) } else { (1600, 1067) };
    let mut canvas = Canvas::new(w, h, seed.wrapping_mul(31).wrapping_add(scene as u64));
    canvas.run(&scene.name(), [0.0, 0.0, canvas.wide, 1.0], &[]);
    canvas.jpeg()
}

/// All things and scenes, in a small notation: `+ name: palette | palette = step; step…`, one of
/// the palettes being picked (the caller's if there is none). A step is `repeat kind what numbers`:
/// - repeat (may be absent): `9x` evenly, `9w` fewer on narrow pictures, `9q` dense at first;
/// - kind: `r` rectangle (left, top, width, height), `o` oval (centre, radii), `p` polygon,
///   `h` land line (y, height, waves), `g` glow (centre, radius), `d` haze on what follows, `m`
///   light of the picture, `@` a thing (foot, size or width and height), `%` mirrored by chance;
/// - what: a name, or an ink `top:foot/percent`, each colour in hex, `$0` of the palette, or
///   `sky`, `haze`, `sun` of the light; `a|b` picks one;
/// - numbers: `a>b` runs from a to b over the repeats, `a~b` is a, give or take b.
///
/// In a scene x and y run from 0 to 1; sizes are in picture heights.
const THINGS: &str = "\
+ sky: = r sky:haze 0 -.2 1 1.25; @ sun .5~.35 .5~.2 1; 6x @ cloud .5~.6 .4~.3 1~.4
+ sun: = g sun/75 0 0 1.5; o sun 0 0 .075 .075
+ cloud: = d .35; 7x o ffffff -.24>.24 0~.01 .12 .05~.025; 5x o ffffff -.3>.3 .02 .16 .022
+ hills: = d .72; h 2f6d5a:8fb08a -.11 .08 3; d .52; h 2f6d5a:8fb08a -.07 .06 4; d .34; h 2f6d5a:8fb08a -.025 .03 5
+ haze: = 18x r haze/5 0 0 1 .015>.26
+ farmer: c8503c | 2f6f9f | 7a4a86 | e0a03a | 3f8a62 | f2f0e8 | 8a5a3c = @ body 0 0 1; p f3e3b5:d2b877 -.2 -.89 0 -1.06 .2 -.89
+ folk: c8503c | 2f6f9f | 7a4a86 | e0a03a | 3f8a62 | f2f0e8 | 8a5a3c | dfe8ee | 5a7a9a = @ body 0 0 1; p 241c1a -.08 -.89 -.07 -.98 0 -1.005 .07 -.98 .08 -.89 0 -.95
+ pupil: fbfbf8 = @ body 0 0 1; p 241c1a -.08 -.89 -.07 -.98 0 -1.005 .07 -.98 .08 -.89 0 -.95; p d8282a -.07 -.82 .07 -.82 0 -.62
+ body: = o 101010/28 0 0 .2 .03; p 2e3440 -.1 0 -.09 -.45 .09 -.45 .1 0 .02 0 0 -.36 -.02 0; p $0 -.12 -.4 -.13 -.76 -.06 -.82 .06 -.82 .13 -.76 .12 -.4;
   o d9a47c 0 -.9 .075 .09
+ flag: = r e8e8e8:9a9a9a -.012 -1 .024 1; p e23028:c81e1e 0 -.98 .18 -.965 .36 -.98 .36 -.74 .18 -.725 0 -.74;
   p ffdd33 .18 -.93 .198 -.877 .253 -.877 .208 -.843 .225 -.79 .18 -.823 .135 -.79 .152 -.843 .107 -.877 .162 -.877
+ tree: 2f6134 468344 6ba456 | 2b5a45 3d7a56 65a070 | 47692f 64903b 93b656 = @ trunk 0 0 1; 9x o $0 -.27>.27~.05 -.6~.06 .16 .13; 6x o $0 -.16>.16 -.78~.08 .17 .14;
   8x o $1 -.25>.2~.04 -.66~.1 .12 .1; 5x o $1 -.16>.1~.04 -.82~.05 .12 .1; 7x o $2/90 -.24>.08~.05 -.78~.14 .08 .06
+ flame: 8f2f28 c8452f e8724a = @ trunk 0 0 1; 9x o $0 -.27>.27~.05 -.6~.06 .16 .13; 6x o $0 -.16>.16 -.78~.08 .17 .14; 9x o $1 -.25>.2~.04 -.66~.1 .12 .1;
   6x o $1 -.16>.1~.04 -.82~.05 .12 .1; 9x o $2/90 -.24>.08~.05 -.78~.14 .08 .06
+ trunk: = o 10281a/30 0 0 .36 .05; p 5a4030 -.05 0 -.02 -.6 .02 -.6 .05 0
+ palm: 26592f 2f6b35 3f8040 | 33602a 437a33 5d963f = o 10281a/25 0 0 .2 .03; p 8a7358:5d4a38 -.04 0 .02 -.5 .09 -1 .12 -1 .06 -.5 .03 0;
   p $0 .1 -1 .27 -1.17 .45 -1.1 .54 -.92 .42 -1.03 .28 -1.08; p $0 .1 -1 -.05 -1.18 -.24 -1.14 -.36 -.97 -.22 -1.06 -.06 -1.1;
   p $1 .1 -1 .3 -1.06 .46 -.92 .48 -.72 .4 -.87 .28 -.97; p $1 .1 -1 -.1 -1.07 -.27 -.93 -.3 -.74 -.2 -.88 -.08 -.98;
   p $2 .1 -1 .22 -1 .3 -.83 .27 -.66 .22 -.82 .16 -.93; p $2 .1 -1 -.02 -1 -.1 -.84 -.08 -.68 -.03 -.83 .04 -.93;
   p $2 .1 -1 .16 -1.16 .3 -1.28 .4 -1.27 .29 -1.19 .2 -1.09; p $1 .1 -1 .04 -1.2 -.08 -1.29 -.17 -1.27 -.06 -1.2 .02 -1.1
+ house: f1dfb8 b5503a | e8d0c0 a03f30 | f4e8d0 6f7f8f = o 10281a/25 0 0 .65 .04; r $0:cdbf9f -.5 -.5 1 .5; p $1 -.6 -.48 -.34 -.8 .34 -.8 .6 -.48;
   r 6a4a35 -.08 -.36 .16 .36; r 4d7385 -.38 -.34 .18 .17; r 4d7385 .2 -.34 .18 .17
+ bay: = r 33454f/20 0 .1 1 .72; r 57808f:9fbcc6 .24 .24 .52 .48; r f4f4ee .49 .24 .03 .48; r fffaf0 -.05 0 .1 1; r fdf6e8 0 .93 1 .07
+ field: 8fbf45 5f9a35 3f7a38 | e3c04f c99a35 9a7a30 | 7fb868 9fcfd0 4f8a50 = @ sky 0 0 1 .45; @ hills 0 .45 1 1; r $2 0 .45 1 .55; @ furrows .5~.2 .45 1;
   @ haze 0 .45 1 1; d .25; 13w % tree|tree|tree|house 0>1~.04 .462 .08~.02; d 0; 500w @ tuft .5~.5 .49>1.04 .012>.05; 5~2x % farmer .5~.44 .54>.9~.02 .08>.22
+ furrows: = 41x p $0 -.305>.295 0 -.295>.305 0 -5.9>6.1 .6 -6.1>5.9 .6; 40x p $1 -.298>.287 0 -.288>.297 0 -5.75>5.95 .6 -5.95>5.75 .6
+ tuft: = p $0|$1|$2 -.5 -.9 -.12 0 .1 0 .45 -1 .04 -.25 .03 -1.2 -.04 -.25
+ river: = @ sky 0 0 1 .46; @ hills 0 .46 1 1.4; r haze:sky 0 .46 1 .54; 160q o ffffff/30|haze/30|1f4f6a/25 .5~.5 .47>1 .02>.06~.02 .0012>.005; d .25;
   17w % palm|tree|tree|house 0>1~.04 .475 .1~.03; r 5f7a45 0 .468 1 .012; d 0; .5~.5x @ bridge 0 .46 1 1; 3~1x % boat .5~.36 .58>.84~.02 .1>.2; % bank .5 1 1 1
+ bridge: = 9x r d0c8ba:8f8a80 .03>.97 -.02 .01 .09; r e9e4da:b8b0a4 0 -.045 1 .03; r d8d2c6 0 -.06 1 .003; 40x r d8d2c6 0>.998 -.06 .002 .02
+ boat: = o 14303f/35 0 .15 1 .09; @ farmer .25 0 .85; p 8a5a38:4f3423 -1 -.1 1 -.1 .62 .14 -.62 .14; p b08a58 .08 -.5 .12 -.5 -.88 .22 -.92 .22
+ bank: = p 4f7a3a:2f5528 -.6 .02 -.52 -.06 -.3 -.055 -.12 .02; % palm -.46 -.03 .55~.08; % palm -.38~.02 -.02 .5~.08
+ hall: a81f24 9f2f2c | 1f4f7f 2f4f6f | 8f1d2c 4f3a2c | 1f6650 7a4a2a = m 1; r efe6d6:f6efe2 0 0 1 .62; r cfc4b0 0 0 1 .08; r $0:2a0a10 .14 .13 .72 .4;
   26x r 200808/18 .14>.85 .13 .014 .4; r f0c650:c8952f .14 .13 .72 .03; 5x g fff3c8/70 .1>.9 .05 .3; 5x o fffbe8 .1>.9 .04 .04 .01; r f4e7c0 .34 .19 .34 .12;
   r $0 .4 .215 .22 .014; r $0 .37 .243 .28 .014; r $0 .42 .271 .18 .014; @ flag .2 .52 .3; r b98a58:7f5838 .1 .52 .8 .07; 5~1w @ folk .4>.76 .53 .16;
   r f6f1e6:d8cdb8 .34 .455 .48 .075; r b5302a .34 .455 .48 .01; @ folk .28 .52 .2; p 9a6a40:6a4528 .245 .42 .315 .42 .305 .535 .255 .535; o f0c650 .28 .46 .01 .015;
   r a88c70:5f4a3c 0 .59 1 .41; 10w @ seat 0>.46 .65 .03; 10w @ seat .54>1 .65 .03; 8w @ seat 0>.45 .69 .038; 8w @ seat .55>1 .69 .038; 6w @ seat .02>.45 .75 .05;
   6w @ seat .56>.99 .75 .05; 5w @ seat 0>.43 .83 .064; 5w @ seat .58>1 .83 .064; 5w @ seat .02>.43 .93 .08; 5w @ seat .6>1 .93 .08
+ seat: f2efe8 | dfe8ee | 5a7a9a | 7a4f5a | 47604f | cfd6c8 | b8786a = p $0 -1 1.4 -.8 0 -.3 -.25 .3 -.25 .8 0 1 1.4; r d9a47c -.18 -.4 .36 .3; o 2a211e:3f322c 0 -.66 .42 .52;
   r 8a2f2c:4f1c1c -1.02 .55 2.04 1.2
+ road: 7fae4a | b8b04f | 6a9f55 = @ sky 0 0 1 .46; @ hills 0 .46 1 .9; r $0 0 .46 1 .54; @ way .5~.12 .46 1
+ way: = p b8a480 -.02 0 .02 0 .72 .58 -.72 .58; p a0a4a4:8a8f92 -.015 0 .015 0 .62 .58 -.62 .58; 22q r 5f6466/50 -.015>-.6 0>.56 .03>1.2 .0005>.005;
   12q r f6f3e6/85 -.001>-.012 .006>.52 .002>.024 .003>.06; @ haze -2 0 4 1; d .3; 6q % tree|tree|palm|house -.08>-.5~.02 .006>.15 .05>.2;
   6q % tree|tree|palm|house .08>.5~.02 .006>.15 .05>.2; d 0; 3x % tree|palm|house -.6>-1.05~.05 .2>.45 .26>.5; 3x % tree|palm|tree .6>1.05~.05 .2>.45 .26>.5;
   @ flags|posts 0 0 1; % rider .03 .05 .06; % rider -.12~.06 .16~.04 .12; % rider .25~.15 .36~.08 .22
+ flags: = 5q @ flag -.04>-.76 .01>.56 .03>.42; 5q @ flag .04>.72 .01>.56 .03>.42
+ posts: = 9q r f2efe8:c8413a -.03>-.76 0>.46 .002>.018 .01>.11; 9q r f2efe8:c8413a .03>.74 0>.46 .002>.018 .01>.11
+ rider: = o 22262a 0 -.16 .05 .16; @ farmer|folk 0 -.12 1; r 22262a -.17 -.53 .34 .03; r 22262a -.02 -.53 .04 .3
+ school: f3cf6b b5452f | f7dc94 9f3a2c | eec87a 4f6f8f = @ sky 0 0 1 .56; @ hills 0 .56 1 .7; r d8bc94:b89a78 0 .6 1 .4; @ block2|block3 .12~.03 .64 .76 .15;
   r 5f8f45:4a7838 0 .645 1 .022; % tree|flame .05 .76 .55~.06; % tree|flame .95 .76 .55~.06; @ flag .5 .72 .52; 16w @ pupil .18>.82~.004 .75 .085;
   14w @ pupil .18>.82~.004 .81 .105; 12w @ pupil .18>.82~.004 .875 .125; 11w @ pupil .18>.82~.004 .945 .145
+ block1: = p $1 -.03 -1 .06 -1.45 .94 -1.45 1.03 -1; r $0 0 -1 1 1; 8x @ bay 0>.875 -1 .125 1; r b9b2a6 -.02 -.06 1.04 .1
+ block2: = p $1 -.03 -2 .06 -2.45 .94 -2.45 1.03 -2; @ floors 0 0 1 1
+ block3: = p $1 -.03 -3 .06 -3.45 .94 -3.45 1.03 -3; r $0 0 -3 1 1; 8x @ bay 0>.875 -3 .125 1; @ floors 0 0 1 1
+ floors: = r $0 0 -2 1 2; 8x @ bay 0>.875 -2 .125 1; 8x @ bay 0>.875 -1 .125 1; r b9b2a6 -.02 -.06 1.04 .1
+ market: = @ sky 0 0 1 .46; @ hills 0 .46 1 .9; r b89c7c:8a6c50 0 .46 1 .54; 8w % tree 0>1~.04 .5 .2~.04; 7w @ stall -.08>.98~.01 .57 .2;
   5w % farmer|folk .5~.5 .62 .15; 5w @ stall -.15>.93~.02 .72 .31; 5w % farmer|folk .5~.5 .78 .23; 4w @ stall -.2>.9~.02 .97 .45;
   4~1w % farmer|farmer|folk .5~.5 1.03 .33
+ stall: c83f34 f6ead8 | 2f7fa8 f2f2ea | 3f8f58 f4ecc8 | e0952f fff2d8 = r 2f2620/50 .02 -.7 .96 .44; r 6a5240 0 -.75 .02 .75; r 6a5240 .98 -.75 .02 .75;
   2x @ farmer|folk .3>.7~.12 -.02 .62; r a8784a:6f4c30 0 -.26 1 .26; 8x o f0a030|d8402f|6fae3f|f2d24a|8f3f6a|e8e4d0 .1>.9 -.28 .075 .06; r 201810/15 0 -.1 1 .1;
   p $0 .05 -.92 .95 -.92 1.04 -.7 -.04 -.7; 5x o $0 .06>.94 -.7 .06 .03; 4x p $1 .16>.72 -.92 .27>.83 -.92 .26>.87 -.69 .13>.74 -.69
+ festival: = m 1|2|4; @ sky 0 0 1 .62; @ hills 0 .62 1 1; r c89c68:8a6040 0 .62 1 .38; 9w % tree 0>1~.03 .64 .3~.06; @ temple .5 .6 .34 .5;
   4x @ pennant .32>.01 .7>.86 .3>.48; 4x @ pennant .6>.92 .7>.86 .3>.48; @ string 0 .04~.02 1 .1~.03; @ string 0 .11~.02 1 .1~.03; @ string 0 .18~.02 1 .1~.03;
   24w % farmer|folk|folk .2~.2 .7>.8 .1>.15; 24w % farmer|folk|folk .8~.2 .7>.8 .1>.15; 24w % farmer|folk|folk .5~.5 .82>1.04 .18>.28
+ temple: = r 7a3428:55241c -.85 -.2 1.7 .34; r 8f3226 -.47 -.52 .94 .3; 8x r c8402f -.8>.77 -.1 .03 .23; r 3a1812 -.12 -.1 .24 .23;
   p b0553a:7a3526 -1.22 -.25 -.95 -.19 -.62 -.4 .62 -.4 .95 -.19 1.22 -.25 1 -.08 0 -.11 -1 -.08; r e0b45a -.63 -.41 1.26 .02;
   p b0553a:7a3526 -.8 -.59 -.58 -.53 -.38 -.72 .38 -.72 .58 -.53 .8 -.59 .62 -.44 0 -.47 -.62 -.44; r e0b45a -.39 -.73 .78 .02; r b8a68c -1 .13 2 .04
+ pennant: = r 6a4a30 -.01 -1 .02 1; r 2f6fb0 0 -1 .3 .3; r f0c840 .03 -.97 .24 .24; r d83a30 .06 -.94 .18 .18; r 3f9a50 .09 -.91 .12 .12
+ string: = p 4f3a30 0 0 .15 .5 .3 .85 .5 1 .7 .85 .85 .5 1 0 .85 .53 .7 .88 .5 1.03 .3 .88 .15 .53; 2x @ lantern .07>.93 .25 .3; 2x @ lantern .21>.79 .64 .3;
   2x @ lantern .36>.64 .9 .3; @ lantern .5 1 .3
+ lantern: = g ffd080/50 0 .7 3; r 4f3a30 -.04 -.1 .08 .2; o ffb060:d8402f 0 1 .85 1; r 6a2a1c -.3 0 .6 .15; r f0c040 -.06 1.9 .12 1
+ forest: dcebc4 4f8a4f | e9e6b8 6f8f45 | cfe4dc 3f7a68 = m 5; r $0:$1 0 0 1 1; g fffbe0/90 .5~.3 .12 .9; d .75; h 355f2c:24451f .66 .03 4;
   13w @ stem 0>1~.05 .69 .008 .75; 20x @ leaves .5~.5 .1~.12 .07~.03; d .58; h 355f2c:24451f .685 .03 4; 11w @ stem 0>1~.05 .72 .012 .78;
   20x @ leaves .5~.5 .08~.12 .07~.03; 2x @ ray .5~.3 0 1; d .4; h 355f2c:24451f .71 .03 4; 9w @ stem 0>1~.06 .76 .017 .82; 20x @ leaves .5~.5 .06~.12 .07~.03;
   2x @ ray .5~.3 0 1; d .22; h 355f2c:24451f .735 .03 4; 6w @ stem 0>1~.07 .8 .022 .86; 20x @ leaves .5~.5 .04~.1 .08~.03; 2x @ ray .5~.3 0 1; d .05;
   h 355f2c:24451f .76 .03 4; 4w @ stem 0>1~.12 .84 .028 .9; 20x @ leaves .5~.5 .02~.09 .08~.03; % path .5~.15 1 1; 60w @ fern .5~.5 .84>.9 .06; d 0;
   70w @ fern .5~.5 .93>1.04 .07
+ stem: = p 6a5540:463527 -1.5 0 -.8 -.12 -.4 -1 .6 -1 .8 -.12 1.5 0; p fff0c0/12 -1.5 0 -.8 -.12 -.4 -1 -.1 -1 -.2 0
+ leaves: = o 3f7a34/75|5a9a3f/75|2f6430/75|86b548/75 0 0 1 .62; o 3f7a34/75|5a9a3f/75|86b548/75 .7 .3 .6 .4
+ ray: = p fff8d8/9 -.02 -.1 .03 -.1 .3~.2 .9 .05~.2 .9
+ path: = p b89a6a:7f6242 -.02 -.24 .02 -.24 .1 -.14 .42 0 -.3 0 -.03 -.14; 2~1x % farmer|folk -.02>.1 -.13>-.08 .2
+ fern: = p 2f6134 0 0 -.9 -.6 -.2 -.2; p 468344 0 0 -.5 -.9 -.1 -.2; p 6ba456 -.1 0 0 -1 .1 0; p 468344 0 0 .5 -.9 .1 -.2; p 2f6134 0 0 .9 -.6 .2 -.2
+ office: 2f7a5a | 2f6a9f | b5452f | 8a6a2f = m 3; r e6eeea:fbfbf8 0 0 1 .66; 4x g ffffff/80 .12>.88 .04 .35; @ desks4|desks5 0 0 1 1; r d9b98a:b8905a 0 .565 1 .025;
   r f4f4ee:d4d8d4 0 .59 1 .17; r $0 0 .615 1 .022; r d8d4c8:aaa294 0 .76 1 .24; 15x p ffffff/60 0>1 .76 .002>1.002 .76 -.5>1.502 1 -.502>1.5 1;
   4~1w @ folk .1>.9~.08 .85 .38; @ plant .04 .84 .2; @ plant .96 .84 .2; 8w r $0 .02>.88 .93 .09 .07; 8w r ffffff/25 .02>.88 .93 .09 .012
+ desks4: = 4x @ desk .125>.875 0 .25 1
+ desks5: = 5x @ desk .1>.9 0 .2 1
+ desk: = r $0 -.34 .14 .68 .085; o fff6e0 -.24 .183 .05 .026; r ffffff -.14 .163 .4 .012; r ffffff -.14 .188 .3 .012; r 9fc4d8:d8ecf4 -.16 .27 .32 .16;
   r ffffff -.005 .27 .01 .16; @ folk -.1 .72 .3; r 2a2f36:3c444c .08 .465 .28 .078; r 444a50 .2 .54 .04 .03; r c8d8dc/80 -.51 .4 .02 .17
+ plant: = p 2f6a30 0 0 -.5 -.5 -.95 -.5 -.55 -.35; p 2f6a30 0 0 .5 -.5 .95 -.5 .55 -.35; p 4f904a 0 0 -.4 -.7 -.6 -1.1 -.2 -.7; p 4f904a 0 0 .4 -.7 .6 -1.1 .2 -.7;
   p 5fa04a -.1 0 -.16 -.7 0 -1.3 .16 -.7 .1 0; p b5603f:7f3f2a -.3 0 .3 0 .2 .6 -.2 .6
+ clinic: f4f7f5 3f8f7f | eaf3f8 3f78a8 | fbf4e6 4f9a6a = @ sky 0 0 1 .56; @ hills 0 .56 1 .8; r 9fbf78:6f9a50 0 .6 1 .4; 7w % tree 0>1~.03 .64 .36~.06;
   @ block1|block2 .13 .68 .74 .15; @ porch .5 .68 .16; p d8d2c4:b4aa98 .47 .69 .53 .69 .85 1 .15 1; 7x @ bush .38>.06 .7>.97 .035>.065;
   7x @ bush .62>.94 .7>.97 .035>.065; @ van .07~.02 .87 .3; 8w % folk|folk|farmer .5~.08 .72>.94 .14>.27
+ porch: = r ffffff:e4ebe8 -1 -1.3 2 1.3; p $1 -1.2 -1.28 0 -2 1.2 -1.28; o $1 0 -1 .25 .25; r ffffff -.05 -1.15 .1 .3; r ffffff -.15 -1.05 .3 .1;
   r 6fa0b0:a8ccd4 -.45 -.65 .9 .65; r ffffff -.02 -.65 .04 .65
+ bush: e86a8a | f4c84a | f2f2f2 | d8503f = o 4f8f45:2f6a34 0 0 1 .62; o $0 -.5 -.3 .15 .15; o $0 .1 -.35 .15 .15; o $0 .6 -.2 .15 .15
+ van: = o 101810/35 .5 .06 .56 .06; p ffffff:dfe4e4 0 0 0 -.46 .7 -.46 .86 -.24 1 -.18 1 0; p 3f5f70 .58 -.24 .58 -.4 .68 -.4 .8 -.24; r $1 0 -.17 1 .05;
   r 3f8fe0 .44 -.5 .12 .04; 2x o 22262a .2>.8 0 .09 .09; 2x o b8bec0 .2>.8 0 .04 .04";

/// Sky above, sky at the horizon and haze, sun, tint of the whole.
const LIGHTS: [[u32; 4]; 6] = [
    [0x3f8fd2, 0xd3e8f2, 0xfff6d8, 0xffffff], // clear noon
    [0x6fa9d6, 0xfbe3c4, 0xffe9a8, 0xfff6e8], // early morning
    [0x5b6fb0, 0xf5b488, 0xffd27a, 0xffeedc], // evening
    [0x9fb6c4, 0xe4ebed, 0xffffff, 0xf3f7f8], // mist
    [0x7aa6e0, 0xf6d6dc, 0xfff0d0, 0xfff4f4], // rose dawn
    [0xdcebc4, 0xdcebc4, 0xfff6c8, 0xfffdf2], // under trees
];

type Rgb = [f32; 3];
/// Colour at the top of a shape, at its foot, and how opaque it is.
type Ink = (Rgb, Rgb, f32);
/// Palettes, steps of words.
type Thing = (Vec<&'static str>, Vec<Vec<&'static str>>);

fn rgb(hex: u32) -> Rgb {
    let [_, r, g, b] = hex.to_be_bytes();
    [r, g, b].map(f32::from)
}

fn mix([a, b, c]: Rgb, [x, y, z]: Rgb, t: f32) -> Rgb {
    [a + (x - a) * t, b + (y - b) * t, c + (z - c) * t]
}

#[derive(Default)]
struct Canvas {
    w: usize,
    h: usize,
    wide: f32,
    px: Vec<Rgb>,
    state: u64,
    things: HashMap<&'static str, Thing>,
    light: [u32; 4],
    /// How far what is drawn next is in the haze, 0 to 1.
    depth: f32,
}

impl Canvas {
    fn new(w: usize, h: usize, state: u64) -> Self {
        let mut canvas = Self::default();
        (canvas.w, canvas.h, canvas.state) = (w, h, state);
        (canvas.wide, canvas.px) = (w as f32 / h as f32, vec![[0.0; 3]; w * h]);
        let things = THINGS.split('+').filter_map(|thing| {
            let (name, rest) = thing.split_once(':')?;
            let (palettes, steps) = rest.split_once('=')?;
            let words = |step: &'static str| step.split_whitespace().collect();
            let steps = steps.split(';').map(words).collect();
            Some((name.trim(), (palettes.split('|').collect(), steps)))
        });
        canvas.things = things.collect();
        canvas.light = canvas.pick(LIGHTS.split_last().map_or(&[], |(_, open)| open));
        canvas
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let at = self.next() as usize % of.len().max(1);
        of.get(at).copied().unwrap_or_default()
    }

    fn number(&mut self, word: &str, t: f32) -> f32 {
        let (base, play) = word.split_once('~').unwrap_or((word, "0"));
        let (from, to) = base.split_once('>').unwrap_or((base, base));
        let [from, to, play] = [from, to, play].map(|n| n.parse::<f32>().unwrap_or_default());
        let chance = (self.next() >> 40) as f32 / 8_388_608.0 - 1.0;
        from + (to - from) * t + play * chance
    }

    /// Draws a thing in a frame: place of its foot, width and height of its unit.
    fn run(&mut self, name: &str, frame: [f32; 4], palette: &[&str]) {
        let (palettes, steps) = self.things.get(name).cloned().unwrap_or_default();
        let own: Vec<&str> = self.pick(&palettes).split_whitespace().collect();
        let palette = if own.is_empty() { palette } else { &own };
        let depth = self.depth;
        for step in &steps {
            let (mut words, mut count, mut bend) = (step.as_slice(), 1.0, 1.0);
            if let [first, rest @ ..] = words
                && let Some(repeat) = first.strip_suffix(['x', 'w', 'q'])
            {
                let (all, fit) = (self.number(repeat, 0.0), self.wide / 1.5);
                count = (all * if first.ends_with('w') { fit } else { 1.0 }).round();
                bend = if first.ends_with('q') { 2.0 } else { 1.0 };
                words = rest;
            }
            for i in 0..count as u16 {
                let t = f32::from(i) / (count - 1.0).max(1.0);
                self.step(words, t.powf(bend), frame, palette);
            }
        }
        self.depth = depth;
    }

    fn step(&mut self, words: &[&str], t: f32, [x, y, sx, sy]: [f32; 4], palette: &[&str]) {
        let [kind, what, at @ ..] = words else { return };
        let what = self.pick(&what.split('|').collect::<Vec<_>>());
        let numbers: Vec<f32> = at.iter().map(|word| self.number(word, t)).collect();
        let ink = self.ink(what, palette);
        let pair = |p: &[f32]| Some((*p.first()?, *p.last()?));
        let points: Vec<(f32, f32)> = match (*kind, numbers.as_slice()) {
            ("@" | "%", &[l, t, w, ref h @ ..]) => {
                let (w, h) = h.first().map_or((w * sy, w * sy), |h| (w * sx, h * sy));
                let w = if *kind == "%" { self.pick(&[w, -w]) } else { w };
                return self.run(what, [x + l * sx, y + t * sy, w, h], palette);
            }
            ("d", _) => return self.depth = what.parse().unwrap_or_default(),
            ("m", _) => {
                let light = LIGHTS.get(what.parse::<usize>().unwrap_or(0));
                return self.light = light.copied().unwrap_or(self.light);
            }
            ("g", &[l, t, r]) => return self.glow(x + l * sx, y + t * sy, r * sy, ink),
            ("h", &[l, height, waves]) => return self.ridge(y + l * sy, height * sy, waves, ink),
            ("r", &[l, t, w, h]) => vec![(l, t), (l + w, t), (l + w, t + h), (l, t + h)],
            ("o", &[l, t, w, h]) => {
                let turn = (0..36).map(|i| (i as f32 * TAU / 36.0).sin_cos());
                turn.map(|(sin, cos)| (l + w * cos, t + h * sin)).collect()
            }
            (_, all) => all.chunks(2).filter_map(pair).collect(),
        };
        let place = |(px, py): &(f32, f32)| (x + px * sx, y + py * sy);
        self.poly(&points.iter().map(place).collect::<Vec<_>>(), ink);
    }

    fn ink(&self, text: &str, palette: &[&str]) -> Ink {
        let (hues, percent) = text.split_once('/').unwrap_or((text, "100"));
        let (top, foot) = hues.split_once(':').unwrap_or((hues, hues));
        let [sky, haze, sun, _] = self.light;
        let hue = |word: &str| {
            let slot = word.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
            let hex = match slot.and_then(|n| palette.get(n).copied()).unwrap_or(word) {
                "sky" => sky,
                "haze" => haze,
                "sun" => sun,
                word => u32::from_str_radix(word, 16).unwrap_or_default(),
            };
            mix(rgb(hex), rgb(haze), self.depth)
        };
        let percent = percent.parse().unwrap_or(100.0);
        (hue(top), hue(foot), percent / 100.0)
    }

    /// Fills a polygon, even-odd, with smooth edges.
    fn poly(&mut self, points: &[(f32, f32)], (top, foot, alpha): Ink) {
        let (s, right) = (self.h as f32, self.w as f32);
        let low = points.iter().fold(f32::MAX, |y, p| y.min(p.1));
        let high = points.iter().fold(f32::MIN, |y, p| y.max(p.1));
        let (first, last) = ((low * s) as usize, (high * s).ceil() as usize);
        let (mut steps, mut cuts) = (vec![0.0_f32; self.w + 2], Vec::new());
        let lines = self.px.chunks_exact_mut(self.w).enumerate();
        for (row, line) in lines.take(last).skip(first) {
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
                    let (at, rest) = (x as usize, x.fract());
                    for (step, share) in steps.iter_mut().skip(at).zip([1.0 - rest, rest]) {
                        *step += sign * share;
                    }
                    (from, to) = (from.min(at), to.max(at + 2));
                }
            }
            let t = (row as f32 / s - low) / (high - low);
            let (colour, mut cover) = (mix(top, foot, t.clamp(0.0, 1.0)), 0.0);
            let mut pixels = line.iter_mut().skip(from);
            for step in steps.iter_mut().take(to).skip(from) {
                cover += std::mem::take(step);
                if let Some(pixel) = pixels.next() {
                    *pixel = mix(*pixel, colour, cover.clamp(0.0, 1.0) * alpha);
                }
            }
        }
    }

    /// Light that fades with the distance from a point.
    fn glow(&mut self, x: f32, y: f32, radius: f32, (colour, _, strength): Ink) {
        let s = self.h as f32;
        let reach = |at: f32| (((at - radius) * s) as usize, ((at + radius) * s) as usize);
        let ((top, foot), (left, right)) = (reach(y), reach(x));
        let lines = self.px.chunks_exact_mut(self.w).enumerate();
        for (row, line) in lines.take(foot).skip(top) {
            for (at, pixel) in line.iter_mut().enumerate().take(right).skip(left) {
                let (dx, dy) = (at as f32 / s - x, row as f32 / s - y);
                let far = (dx * dx + dy * dy).sqrt() / radius;
                *pixel = mix(*pixel, colour, strength * (1.0 - far).max(0.0).powi(2));
            }
        }
    }

    /// A land line around `y`, filled to the foot of the picture.
    fn ridge(&mut self, y: f32, height: f32, waves: f32, ink: Ink) {
        let [p, q, k] = ["3~3", "3~3", "1~.2"].map(|word| self.number(word, 0.0));
        let rise = |x: f32| (x * k * waves + p).sin() * 0.6 + (x * waves * 2.3 + q).sin() * 0.3;
        let along = (0..=160).map(|i| i as f32 / 160.0 * self.wide);
        let mut points: Vec<_> = along.map(|x| (x, y - height * rise(x))).collect();
        points.extend([(self.wide, 1.0), (0.0, 1.0)]);
        self.poly(&points, ink);
    }

    /// Tint, a darker rim, fine grain, then JPEG.
    fn jpeg(mut self) -> Vec<u8> {
        let (tint, mut grain) = (rgb(self.light[3]), self.next() as u32);
        let mut bytes = vec![0_u8; self.px.len() * 3];
        let lines = bytes.chunks_exact_mut(self.w * 3);
        for (y, (row, line)) in self.px.chunks_exact(self.w).zip(lines).enumerate() {
            let dy = y as f32 / self.h as f32 - 0.5;
            for (x, (pixel, out)) in row.iter().zip(line.chunks_exact_mut(3)).enumerate() {
                let dx = x as f32 / self.w as f32 - 0.5;
                grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (grain >> 24) as f32 / 80.0 - 1.6;
                let light = (1.0 - 0.34 * (dx * dx + dy * dy)) / 255.0;
                for ((to, v), t) in out.iter_mut().zip(pixel).zip(tint) {
                    *to = (v * t * light + noise) as u8;
                }
            }
        }
        let (w, h, mut jpeg) = (self.w as u32, self.h as u32, Vec::new());
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 86);
        // Writing to memory cannot fail.
        let _ = encoder.encode(&bytes, w, h, ExtendedColorType::Rgb8);
        jpeg
    }
}
