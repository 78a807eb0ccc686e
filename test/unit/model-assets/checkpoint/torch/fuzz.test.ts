/** @module Damaged files of torch: each is read, or gives an error that names the file, in bounded memory. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';
import { createRandom } from '../../../../../model-assets/synthesize/normal.ts';
import { temporaryFolder } from '../../../../support/checkpoints.ts';
import { readTorch, torchFile } from '../../../../support/torch-files.ts';

const FILES = [
  'zip-protocol-2',
  'zip-protocol-4',
  'legacy-protocol-2',
  'legacy-protocol-4',
  'zip-strided',
  'buffers',
];
const RUNS = 150;
const INTERESTING = [0, 1, 0x28, 0x29, 0x2e, 0x52, 0x62, 0x63, 0x71, 0x7f, 0x80, 0xff];

/** Some bytes are overwritten, inserted, removed, or the end is cut off. */
function damage(file: Buffer, random: () => number): Buffer {
  const below = (n: number) => Math.floor(random() * n);
  let bytes = Buffer.from(file);
  for (let i = 1 + below(4); i > 0; i--) {
    const at = below(bytes.length);
    const value = random() < 0.5 ? below(256) : (INTERESTING[below(INTERESTING.length)] ?? 0);
    const kind = below(8);
    if (kind < 4) bytes[at] = value;
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.of(value), bytes.subarray(at)]);
    else if (kind === 5) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(8))]);
    else if (kind === 6) bytes.subarray(at, at + 8).fill(0xff);
    else if (random() < 0.3) bytes = bytes.subarray(0, Math.max(1, at));
  }
  return bytes;
}

test.for(FILES)('%s.bin', async (name) => {
  const file = await readFile(torchFile(`${name}.bin`));
  const bits = createRandom(17, name);
  const random = () => bits() / 2 ** 32;
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'damaged.bin');
  const before = process.memoryUsage().rss;
  let refused = 0;
  for (let run = 0; run < RUNS; run++) {
    await writeFile(path, damage(file, random));
    try {
      await readTorch(path);
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as Error).message).toMatch(/^damaged\.bin\b/);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(RUNS / 4);
  expect(refused).toBeLessThan(RUNS);
  expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
});
