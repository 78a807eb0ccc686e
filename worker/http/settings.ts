/**
 * @module The settings of a deployment: its secrets and variables, checked when they are read. A malformed one
 * is a fault of the deployment, never of a request.
 */
import type { ConstraintLimits } from '../isolate/constraints.ts';
import type { Settings } from './default-settings.ts';
import type { Bindings } from './env.ts';
import { MisconfiguredError } from './errors.ts';

const MIB = 2 ** 20;
/** The address space of WebAssembly. */
const MAX_HEAP_MIB = 4096;

/** The syntax of a bearer token (RFC 6750, `b64token`); a header cannot carry any other key. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

interface Keys {
  /** All keys that give access, those of `ADMIN_KEYS` included; empty if access is open. */
  readonly all: readonly string[];
  readonly admin: readonly string[];
}

/** @throws MisconfiguredError for an invalid key; an empty one would grant access */
export function keysOf(env: Bindings): Keys {
  const admin = keyList(env, 'ADMIN_KEYS');
  return { all: [...keyList(env, 'API_KEYS'), ...admin], admin };
}

/** A secret that is not set, or blank, has no keys. */
function keyList(env: Bindings, name: 'API_KEYS' | 'ADMIN_KEYS'): string[] {
  const secret = String(env[name] ?? '');
  if (secret.trim() === '') return [];
  const all = secret.split(',').map((key) => key.trim());
  const invalid = all.findIndex((key) => !BEARER_TOKEN.test(key));
  if (invalid < 0) return all;
  throw new MisconfiguredError(
    name,
    `key ${invalid + 1} of ${all.length} cannot be sent as a bearer token, which has one or more of ` +
      'A-Z a-z 0-9 - . _ ~ + /, and optional = at its end',
  );
}

/** Whether all keys share one prefix cache. @throws MisconfiguredError */
export function isPrefixCacheShared({ PREFIX_CACHE_SHARED: value = false }: Bindings): boolean {
  // `wrangler --var` sets variables to strings.
  const text = String(value).trim().toLowerCase();
  if (text === 'true') return true;
  if (text === 'false' || text === '') return false;
  throw new MisconfiguredError('PREFIX_CACHE_SHARED', `must be true or false, not ${JSON.stringify(value)}`);
}

/** Whether the model's `generation_config.json` has effect, as with vLLM's `--generation-config`. @throws MisconfiguredError */
export function usesGenerationConfig({ GENERATION_CONFIG: value = 'auto' }: Bindings): boolean {
  const text = String(value).trim().toLowerCase();
  if (text === 'auto' || text === '') return true;
  if (text === 'none') return false;
  throw new MisconfiguredError('GENERATION_CONFIG', `must be "auto" or "none", not ${JSON.stringify(value)}`);
}

/** The maximum of the WebAssembly heap, in bytes. @throws MisconfiguredError */
export function heapBytesOf(env: Bindings): number {
  const mib = numberOf(env, 'HEAP_MIB');
  if (mib > 0 && mib <= MAX_HEAP_MIB) return Math.floor(mib * MIB);
  throw new MisconfiguredError('HEAP_MIB', `must be more than 0 and at most ${MAX_HEAP_MIB}, not ${mib}`);
}

/** How many requests may wait for cache space, and how long. @throws MisconfiguredError */
export function queueLimitsOf(env: Bindings): { readonly length: number; readonly milliseconds: number } {
  return { length: numberOf(env, 'QUEUE_LENGTH'), milliseconds: 1000 * numberOf(env, 'QUEUE_SECONDS') };
}

/** A session's object has the model in memory: many objects are many models. */
const DEFAULT_SESSION_OBJECTS = 8;
const MAX_SESSION_OBJECTS = 10_000;

/** The number of objects that share all sessions. @throws MisconfiguredError */
export function sessionObjectsOf({ SESSION_OBJECTS: value = DEFAULT_SESSION_OBJECTS }: Bindings): number {
  const number = String(value).trim() === '' ? Number.NaN : Number(value);
  if (Number.isInteger(number) && number > 0 && number <= MAX_SESSION_OBJECTS) return number;
  const rule = `must be a whole number from 1 to ${MAX_SESSION_OBJECTS}`;
  throw new MisconfiguredError('SESSION_OBJECTS', `${rule}, not ${JSON.stringify(value)}`);
}

/** The bounds of constraints. @throws MisconfiguredError */
export function constraintLimitsOf(env: Bindings): ConstraintLimits {
  return {
    steps: numberOf(env, 'CONSTRAINT_STEPS'),
    states: numberOf(env, 'CONSTRAINT_STATES'),
    depth: numberOf(env, 'CONSTRAINT_DEPTH'),
    cacheBytes: 1024 * numberOf(env, 'CONSTRAINT_CACHE_KIB'),
  };
}

/** Reads every setting. @throws MisconfiguredError for the first that is malformed */
export function checkSettings(env: Bindings): void {
  keysOf(env);
  isPrefixCacheShared(env);
  usesGenerationConfig(env);
  heapBytesOf(env);
  queueLimitsOf(env);
  constraintLimitsOf(env);
  sessionObjectsOf(env);
}

function numberOf(env: Bindings, name: keyof Settings): number {
  const value = env[name];
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new MisconfiguredError(name, `must be a number of at least 0, not ${JSON.stringify(value)}`);
}
