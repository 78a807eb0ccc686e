/** @module Sends JSON as fast as the client reads it. */
import type { Context } from 'hono';
import type { AppEnv } from './env.ts';
import { type JsonStream, jsonChunks } from './json-stream.ts';
import { CLIENT_GONE } from './request-record.ts';

/** A shorter answer is sent at once. */
const CHUNK_BYTES = 16_384;
/** A chunk of them may lack the bytes of a character that did not fit. */
const FULL_BYTES = CHUNK_BYTES - 3;

/** The memory that the answer holds until it is sent. */
export interface Held {
  /** @throws Error if it was taken away, because the client read nothing for too long */
  touch(): void;
  close(): void;
}

export function sendJson(c: Context<AppEnv>, json: JsonStream, held: Held): Response {
  const headers = { 'content-type': 'application/json' };
  const chunks = jsonChunks(json, CHUNK_BYTES);
  const first = chunks.next().value ?? new Uint8Array();
  if (first.length < FULL_BYTES) {
    held.close();
    return c.body(first, 200, headers);
  }
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  const end = () => {
    held.close();
    resolve();
  };
  c.executionCtx.waitUntil(sent);
  c.set('streaming', sent);
  let next: Uint8Array<ArrayBuffer> | undefined = first;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      try {
        held.touch();
        if (next === undefined) {
          end();
          return controller.close();
        }
        controller.enqueue(next);
        next = chunks.next().value;
      } catch (error) {
        c.get('record').error = 'answer_cut_off';
        end();
        throw error;
      }
    },
    cancel() {
      c.get('record').error = CLIENT_GONE;
      end();
    },
  });
  return c.body(body, 200, headers);
}
