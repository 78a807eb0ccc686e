/** @module The form's request as code for other clients. */
import type { RequestBody } from './request.ts';

export type SnippetName = 'curl' | 'openai' | 'fetch';
export const SNIPPET_NAMES: readonly SnippetName[] = ['curl', 'openai', 'fetch'];

/**
 * @param origin the server's
 * @param needsKey whether to include a placeholder for the API key; the key itself never appears
 */
export function snippet(name: SnippetName, body: RequestBody, origin: string, needsKey: boolean): string {
  return { curl, openai, fetch: fetchCall }[name](body, origin, needsKey);
}

function curl(body: RequestBody, origin: string, needsKey: boolean): string {
  return [
    `curl -N ${origin}/v1/completions`,
    ...(needsKey ? [`-H "authorization: Bearer $API_KEY"`] : []),
    `-H 'content-type: application/json'`,
    `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`,
  ].join(' \\\n  ');
}

function openai(body: RequestBody, origin: string, needsKey: boolean): string {
  return `import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: '${origin}/v1',
  apiKey: ${needsKey ? 'process.env.API_KEY' : "'none'"},
});
const stream = await client.completions.create(${JSON.stringify(body, null, 2)});
for await (const { choices: [choice] } of stream) {
  if (choice?.index === 0) process.stdout.write(choice.text);
}`;
}

function fetchCall(body: RequestBody, origin: string, needsKey: boolean): string {
  const authorization = needsKey ? "\n    authorization: 'Bearer API_KEY'," : '';
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
