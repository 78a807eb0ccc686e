/** @module The HTTP contracts of the app. A new contract is a folder in `contracts/` and a line here. */
import { openai } from './contracts/openai/contract.ts';
import { operation } from './contracts/operation/contract.ts';
import { scoring } from './contracts/score/contract.ts';
import { suggestions } from './contracts/suggest/contract.ts';
import { tgi } from './contracts/tgi/contract.ts';
import { workersAi } from './contracts/workers-ai/contract.ts';
import type { Contract } from './http/contract.ts';
import type { Records } from './operate/records.ts';
import { page } from './page/route.ts';

/** Unknown paths get the error shape of the first contract. */
export function allContracts(records: Records): readonly Contract[] {
  const all: readonly Contract[] = [
    ...[openai, scoring, suggestions, tgi, workersAi, page],
    operation(records, () => all),
  ];
  return all;
}
