/** @module Reads schemas with instances, in the format of MaskBench: a line of JSON for each schema. */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';

export interface Case {
  readonly name: string;
  readonly schema: unknown;
  readonly tests: readonly { readonly valid: boolean; readonly data: unknown }[];
}

/** @param file JSON lines; compressed if its name ends in `.gz` */
export async function readCases(file: string): Promise<Case[]> {
  const bytes = await readFile(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Case);
}
