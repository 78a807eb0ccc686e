/** @module What the routes of operation answer, as schemas. */
import * as z from 'zod';

const bytes = z.int().min(0);

const heap = z.strictObject({
  maximum: bytes,
  size: bytes,
  onnxruntime: bytes,
  graphs: bytes,
  weights: bytes,
  cache: bytes,
  activations: bytes,
  available: bytes,
});

const slots = z.strictObject({
  capacity: z.int().min(0),
  maximum: z.int().min(0),
  reserved: z.int().min(0),
  taken: z.int().min(0),
  cached: z.int().min(0),
});

const plan = z.strictObject({
  maxRows: z.int().min(1),
  cache: z.enum(['f32', 'int8']),
  slots: z.int().min(1),
  bytes: z.strictObject({
    maximum: bytes,
    onnxruntime: bytes,
    graphs: bytes,
    weights: bytes,
    activations: bytes,
    cache: bytes,
  }),
});

/** What anyone is told. */
const life = { status: z.literal('ok'), ready: z.boolean() };

export const readyResponse = z.strictObject({ ...life, ready: z.literal(true) });

/** How many tokens were forgotten. */
export const resetResponse = z.strictObject({ tokens: z.int().min(0) });

export const healthResponse = z.union([
  z.strictObject(life),
  z.strictObject({ ...life, ready: z.literal(false), model: z.null(), loading: z.boolean() }),
  z.strictObject({
    ...life,
    ready: z.literal(true),
    model: z.strictObject({ name: z.string(), precision: z.enum(['f32', 'int8', 'int4']) }),
    loading: z.literal(false),
    plan,
    heap,
    slots,
    requests: z.int().min(0),
    waitingRequests: z.int().min(0),
    waitingRows: z.int().min(0),
  }),
]);
