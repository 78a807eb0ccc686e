/** @module The calibration pass, compared with a plain implementation of GPT-2. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type CalibratedLayer,
  calibrationPass,
  type LinearWeights,
} from '../../../../model-assets/calibrate/calibration-pass.ts';
import {
  sampleCalibrationTokens,
  tokenizeCalibrationText,
} from '../../../../model-assets/calibrate/calibration-text.ts';
import { openCheckpoint } from '../../../../model-assets/checkpoint/checkpoint.ts';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { evaluate } from '../../../../model-assets/evaluate.ts';
import { buildTokenizer } from '../../../../model-assets/tokenizer/build-tokenizer.ts';
import { type TestWeights, temporaryFolder, writeCheckpoint } from '../../../support/checkpoints.ts';
import { DEFAULT_F32, GOLDEN } from '../../../support/models.ts';

const WIDTH = 32;
const HEADS = 4;
const WINDOW = 8;
const ids = Int32Array.from({ length: 3 * WINDOW }, (_, i) => (i * 37) % 300);

type Row = number[];

/** @returns the inputs of all linear layers by name, computed from the definition. */
function expectedInputs(weights: TestWeights): Map<string, Row[]> {
  const parameter = (name: string) => weights.get(name)?.values ?? new Float32Array();
  const inputs = new Map<string, Row[]>();
  const linear = (name: string, rows: Row[]): Row[] => {
    inputs.set(name, rows);
    const [w, b] = [parameter(`${name}.weight`), parameter(`${name}.bias`)];
    return rows.map((x) =>
      Array.from(b, (bias, n) => x.reduce((sum, value, k) => sum + value * (w[k * b.length + n] ?? 0), bias)),
    );
  };
  const layerNorm = (name: string, rows: Row[]): Row[] => {
    const [gain, bias] = [parameter(`${name}.weight`), parameter(`${name}.bias`)];
    return rows.map((x) => {
      const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
      const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
      return x.map(
        (value, k) => ((value - mean) / Math.sqrt(variance + 1e-5)) * (gain[k] ?? 0) + (bias[k] ?? 0),
      );
    });
  };
  const add = (a: Row[], b: Row[]) => a.map((row, i) => row.map((value, k) => value + (b[i]?.[k] ?? 0)));
  const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  const [wte, wpe] = [parameter('wte.weight'), parameter('wpe.weight')];
  let hidden = Array.from(ids, (id, i) =>
    Array.from(
      { length: WIDTH },
      (_, k) => (wte[id * WIDTH + k] ?? 0) + (wpe[(i % WINDOW) * WIDTH + k] ?? 0),
    ),
  );
  for (const h of ['h.0', 'h.1']) {
    const context = attention(linear(`${h}.attn.c_attn`, layerNorm(`${h}.ln_1`, hidden)));
    hidden = add(hidden, linear(`${h}.attn.c_proj`, context));
    const wide = linear(`${h}.mlp.c_fc`, layerNorm(`${h}.ln_2`, hidden));
    hidden = add(
      hidden,
      linear(
        `${h}.mlp.c_proj`,
        wide.map((row) => row.map(gelu)),
      ),
    );
  }
  return inputs;
}

function attention(qkv: Row[]): Row[] {
  const size = WIDTH / HEADS;
  return qkv.map((row, i) => {
    const past = qkv.slice(i - (i % WINDOW), i + 1);
    return Array.from({ length: WIDTH }, (_, dimension) => {
      const head = dimension - (dimension % size);
      const scores = past.map((other) => {
        let score = 0;
        for (let k = head; k < head + size; k++) score += (row[k] ?? 0) * (other[WIDTH + k] ?? 0);
        return Math.exp(score / Math.sqrt(size));
      });
      const total = scores.reduce((sum, score) => sum + score, 0);
      return scores.reduce(
        (sum, score, t) => sum + (score * (past[t]?.[2 * WIDTH + dimension] ?? 0)) / total,
        0,
      );
    });
  });
}

const unchanged = ({ weight, bias }: LinearWeights): LinearWeights => ({ weight, bias });

async function calibrate(quantize: (layer: CalibratedLayer) => LinearWeights) {
  await using dir = await temporaryFolder();
  const weights = await writeCheckpoint(dir.path);
  const checkpoint = await openCheckpoint(dir.path);
  try {
    const pass = calibrationPass(checkpoint, { ids, window: WINDOW });
    const layers: CalibratedLayer[] = [];
    for (let layer = await pass.next(); !layer.done; layer = await pass.next(quantize(layer.value)))
      layers.push(layer.value);
    return { weights, layers };
  } finally {
    await checkpoint.close();
  }
}

describe('calibrationPass', () => {
  it('yields every linear layer with the mean and covariance of its inputs', async () => {
    const { weights, layers } = await calibrate(unchanged);
    const expected = expectedInputs(weights);
    expect(layers.map(({ name }) => name)).toEqual([...expected.keys()]);
    for (const { name, weight, bias, inputs } of layers) {
      const rows = expected.get(name) ?? [];
      const average = (select: (row: Row) => number) =>
        rows.reduce((sum, row) => sum + select(row), 0) / rows.length;
      expect(weight).toEqual(weights.get(`${name}.weight`)?.values);
      expect(bias).toEqual(weights.get(`${name}.bias`)?.values);
      const width = inputs.mean.length;
      for (let a = 0; a < width; a++) {
        expect(inputs.mean[a]).toBeCloseTo(
          average((row) => row[a] ?? 0),
          4,
        );
        expect(inputs.variance[a]).toBe(inputs.covariance?.[a * width + a]);
        for (let b = a; b < width; b += 5) {
          const covariance = average(
            (row) => ((row[a] ?? 0) - (inputs.mean[a] ?? 0)) * ((row[b] ?? 0) - (inputs.mean[b] ?? 0)),
          );
          expect(inputs.covariance?.[a * width + b]).toBeCloseTo(covariance, 3);
        }
      }
    }
  });

  it('continues with the weights passed to next', async () => {
    const { layers } = await calibrate((layer) =>
      layer.name === 'h.0.mlp.c_fc'
        ? { weight: layer.weight.map(() => 0), bias: layer.bias.map(() => 0) }
        : layer,
    );
    expect(layers.map(({ inputs }) => inputs.variance.every((value) => value === 0))).toEqual([
      ...[false, false, false, true], // All inputs of h.0.mlp.c_proj are gelu(0) = 0.
      ...[false, false, false, false],
    ]);
  });
});

describe('the calibration text', () => {
  const DEFAULT = join('model-assets', 'default');

  it('is cut into whole windows', async () => {
    const { bytes } = await buildTokenizer(folderMetadata(DEFAULT));
    const text = await readFile(join(GOLDEN, 'eval-text', 'story.txt'), 'utf8');
    const { config, close } = await openCheckpoint(DEFAULT);
    await close();
    const { ids, window } = tokenizeCalibrationText(text, bytes, config);
    expect([window, ids.length]).toEqual([512, 512]);
    expect(() => tokenizeCalibrationText('Once upon a time', bytes, config)).toThrow(
      'The calibration text has 4 tokens, expected 512 or more: use a longer text, or --calibration self',
    );
    expect(tokenizeCalibrationText('Once upon a time', bytes, { ...config, n_positions: 4 }).ids.length).toBe(
      4,
    );
  });

  it('is sampled from the model, deterministically', async () => {
    await using dir = await temporaryFolder();
    await writeCheckpoint(dir.path);
    const { config, close } = await openCheckpoint(dir.path);
    await close();
    const sample = () =>
      sampleCalibrationTokens(config, (out) => convert({ source: dir.path, out, precision: 'int8' }));
    const { ids, window } = await sample();
    expect([window, ids.length]).toEqual([16, 16 * 16]); // The window is the context.
    expect(ids.every((id, i) => (i % window === 0 ? id === 299 : id >= 0 && id < 300))).toBe(true);
    expect(new Set(ids).size).toBeGreaterThan(100);
    expect((await sample()).ids).toEqual(ids);
  });
});

describe('convert to int4', () => {
  it('is deterministic, and depends on the calibration text', async () => {
    await using dir = await temporaryFolder();
    await writeCheckpoint(dir.path);
    const shard = async (name: string, calibration?: 'none' | { text: string }) => {
      const out = join(dir.path, name);
      const manifest = await convert({
        source: dir.path,
        out,
        precision: 'int4',
        name: 'm',
        ...(calibration && { calibration }),
      });
      expect(manifest.quantization).toHaveLength(9);
      expect(manifest.calibration?.text).toBe(
        typeof calibration === 'object' ? 'file' : (calibration ?? 'self'),
      );
      return manifest.shards[0]?.sha256;
    };
    const self = await shard('self');
    expect(await shard('again')).toBe(self);
    const others = [await shard('none', 'none'), await shard('text', { text: 'some text '.repeat(100) })];
    expect(new Set([self, ...others]).size).toBe(3);
  });

  it('keeps the default model close to float32, closest with self-calibration', async () => {
    await using dir = await temporaryFolder();
    const text = await readFile(join(GOLDEN, 'eval-text', 'story.txt'), 'utf8');
    const compare = async (calibration: 'self' | 'none') => {
      const model = join(dir.path, calibration);
      await convert({ source: join('model-assets', 'default'), out: model, precision: 'int4', calibration });
      return evaluate({ model, reference: DEFAULT_F32, text });
    };
    const [none, self] = [await compare('none'), await compare('self')];
    expect(none.model.perplexity / none.reference.perplexity).toBeLessThan(1.03);
    expect(self.model.perplexity / self.reference.perplexity).toBeLessThan(1.02);
    expect(self.divergence.mean).toBeLessThan(0.8 * none.divergence.mean);
    expect(self.top1Agreement).toBeGreaterThan(0.88);
  }, 300_000);
});
