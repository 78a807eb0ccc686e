/** @module Schemas of the operation routes' answers. */
import * as z from 'zod';

const bytes = z.int().min(0);

const heap = z.strictObject({
  maximum: bytes,
  size: bytes,
  onnxruntime: bytes,
  unusedStack: bytes,
  graphs: bytes,
  weights: bytes,
  adapters: bytes,
  cache: bytes,
  activations: bytes,
  requests: bytes,
  available: bytes,
});

const slots = z.strictObject({
  capacity: z.int().min(0),
  maximum: z.int().min(0),
  reserved: z.int().min(0),
  taken: z.int().min(0),
  cached: z.int().min(0),
});

/** The space for adapters in the heap, those in it, and how often one was read. */
const adapters = z.strictObject({
  maximum: bytes,
  bytes,
  loads: z.int().min(0),
  loaded: z.array(z.strictObject({ name: z.string(), bytes, uses: z.int().min(0) })),
});

/** The bytes that requests may hold together outside the heap, and the part that they have reserved. */
const javaScript = z.strictObject({ maximum: bytes, reserved: bytes });

/** What is kept of constraints for later requests: masks and compiled constraints. It gives way to requests. */
const constraints = z.strictObject({ maximum: bytes, bytes, compiled: z.int().min(0) });

/** Each takes `memory` bytes when it is loaded, which give way to requests unless one searches it. */
const catalogues = z.record(
  z.string(),
  z.strictObject({
    entries: z.int().min(1),
    depth: z.int().min(1),
    bytes,
    memory: bytes,
    loaded: z.boolean(),
  }),
);

const plan = z.strictObject({
  maxRows: z.int().min(1),
  cache: z.enum(['f32', 'int8']),
  slots: z.int().min(1),
  bytes: z.strictObject({
    maximum: bytes,
    onnxruntime: bytes,
    graphs: bytes,
    weights: bytes,
    adapters: bytes,
    activations: bytes,
    requests: bytes,
    cache: bytes,
  }),
});

/** The answer to a request without a key. */
const liveness = { status: z.literal('ok'), ready: z.boolean() };

export const readyResponse = z.strictObject({ ...liveness, ready: z.literal(true) });

/** The number of evicted tokens. */
export const resetResponse = z.strictObject({ tokens: z.int().min(0) });

export const healthResponse = z.union([
  z.strictObject({ status: z.literal('misconfigured'), ready: z.literal(false) }),
  z.strictObject(liveness),
  z.strictObject({ ...liveness, ready: z.literal(false), model: z.null(), loading: z.boolean() }),
  z.strictObject({
    ...liveness,
    ready: z.literal(true),
    model: z.strictObject({ name: z.string(), precision: z.enum(['f32', 'int8', 'int4']) }),
    loading: z.literal(false),
    /** Null at f32, which uses none of the kernels. */
    dotProduct: z.enum(['dot-unsigned', 'dot-signed', 'relaxed', 'plain']).nullable(),
    /** Missing until passes of both forms have been timed. */
    readAhead: z.boolean().optional(),
    plan,
    heap,
    slots,
    adapters,
    javaScript,
    constraints,
    catalogues,
    requests: z.int().min(0),
    waitingRequests: z.int().min(0),
    waitingRows: z.int().min(0),
  }),
]);
