/** @module CRC-32C (Castagnoli), the checksum of TensorFlow's files, and the form in which they store it. */

const POLYNOMIAL = 0x82f63b78;
/** Bytes at a time. */
const SLICES = 8;

/** `TABLES[k * 256 + byte]`: what a byte contributes that `k` bytes follow. */
const TABLES = new Uint32Array(SLICES * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  TABLES[byte] = crc;
}
for (let i = 256; i < TABLES.length; i++) {
  const before = TABLES[i - 256] as number;
  TABLES[i] = (before >>> 8) ^ (TABLES[before & 0xff] as number);
}

/** @param crc of the bytes before, to continue it. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  let state = ~crc;
  let i = 0;
  for (; i + SLICES <= bytes.length; i += SLICES) {
    const low =
      state ^
      ((bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24));
    state =
      (TABLES[0x700 + (low & 0xff)] as number) ^
      (TABLES[0x600 + ((low >>> 8) & 0xff)] as number) ^
      (TABLES[0x500 + ((low >>> 16) & 0xff)] as number) ^
      (TABLES[0x400 + (low >>> 24)] as number) ^
      (TABLES[0x300 + (bytes[i + 4] as number)] as number) ^
      (TABLES[0x200 + (bytes[i + 5] as number)] as number) ^
      (TABLES[0x100 + (bytes[i + 6] as number)] as number) ^
      (TABLES[bytes[i + 7] as number] as number);
  }
  for (; i < bytes.length; i++)
    state = (state >>> 8) ^ (TABLES[(state ^ (bytes[i] as number)) & 0xff] as number);
  return ~state >>> 0;
}

const MASK_DELTA = 0xa282ead8;

/** A checksum as it is stored: rotated and shifted, since checksums of checksums are weak. */
export const maskCrc = (crc: number): number => (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
