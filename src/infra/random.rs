//! Randomness from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random bytes. The process ends when the operating system has none: nothing secret can be made
/// without them.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the operating system gives no random bytes");
        std::process::abort();
    }
    bytes
}

/// An opaque secret: 256 bits, base64url.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// Names a request in answers and logs.
pub fn request_id() -> String {
    hex::encode(bytes::<12>())
}

/// Key of a block or span.
pub fn key() -> String {
    hex::encode(bytes::<6>())
}

/// A one-time password that people can type: four groups of five, 99 bits.
pub fn password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789_";
    let letters: Vec<char> = bytes::<20>()
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .map(|letter| {
            if *letter == b'_' {
                'A'
            } else {
                char::from(*letter)
            }
        })
        .collect();
    let groups: Vec<String> = letters
        .chunks(5)
        .map(|group| group.iter().collect())
        .collect();
    groups.join("-")
}

/// A UUID of version 7, which sorts by time.
pub fn uuid_v7(unix_millis: u64) -> String {
    uuid::Builder::from_unix_timestamp_millis(unix_millis, &bytes::<10>())
        .into_uuid()
        .to_string()
}
