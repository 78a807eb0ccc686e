/** @module The request on screen, as others would send it. */
import type { RequestBody } from './request.ts';

export type SnippetName = 'curl' | 'openai' | 'fetch';
export const SNIPPET_NAMES: readonly SnippetName[] = ['curl', 'openai', 'fetch'];

/**
 * @param origin of the server
 * @param keyed whether it asks for a key, for which there is a place, never the key itself
 */
export function snippet(name: SnippetName, body: RequestBody, origin: string, keyed: boolean): string {
  return { curl, openai, fetch: fetchCall }[name](body, origin, keyed);
}

function curl(body: RequestBody, origin: string, keyed: boolean): string {
  return [
    `curl -N ${origin}/v1/completions`,
    ...(keyed ? [`-H "authorization: Bearer $API_KEY"`] : []),
    `-H 'content-type: application/json'`,
    `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`,
  ].join(' \\\n  ');
}

function openai(body: RequestBody, origin: string, keyed: boolean): string {
  return `import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: '${origin}/v1',
  apiKey: ${keyed ? 'process.env.API_KEY' : "'none'"},
});
const stream = await client.completions.create(${JSON.stringify(body, null, 2)});
for await (const { choices: [choice] } of stream) {
  if (choice?.index === 0) process.stdout.write(choice.text);
}`;
}

function fetchCall(body: RequestBody, origin: string, keyed: boolean): string {
  const authorization = keyed ? "\n    authorization: 'Bearer API_KEY'," : '';
  return `const response = await fetch('${origin}/v1/completions', {
  method: 'POST',
  headers: {
    'content-type': 'application/json',${authorization}
  },
  body: JSON.stringify(${JSON.stringify(body, null, 2).replaceAll('\n', '\n  ')}),
});
for await (const events of response.body.pipeThrough(new TextDecoderStream())) {
  console.log(events);
}`;
}
