/** @module The checkpoints of test/golden/foreign/, and the digests of their tensors in other packages. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

/** The path of a file or folder in test/golden/foreign/. */
export const foreignPath = (name: string): string =>
  fileURLToPath(new URL(`../golden/foreign/${name}`, import.meta.url));

/** SHA-256 of numbers as little-endian float32. */
export const digestOf = (values: Float32Array): string =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
