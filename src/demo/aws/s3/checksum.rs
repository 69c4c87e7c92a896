//! CRC-32, the checksum that AWS's tools send with what they put and ask for with what they fetch.
//!
//! Source: Amazon S3 User Guide, "Checking object integrity"; the polynomial of ISO/IEC/IEEE 8802-3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index: u32 = 0;
    while index < 256 {
        let (mut value, mut bit) = (index, 0);
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index as usize] = value;
        index += 1;
    }
    table
};

/// As it stands in `x-amz-checksum-crc32`.
pub(super) fn crc32(bytes: &[u8]) -> String {
    let step = |sum: u32, byte: &u8| (sum >> 8) ^ TABLE[usize::from(sum.to_le_bytes()[0] ^ byte)];
    STANDARD.encode((!bytes.iter().fold(u32::MAX, step)).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        // The check value of CRC-32 is 0xcbf43926.
        assert_eq!(crc32(b"123456789"), STANDARD.encode([0xcb, 0xf4, 0x39, 0x26]));
        assert_eq!(crc32(b""), "AAAAAA==");
    }
}
