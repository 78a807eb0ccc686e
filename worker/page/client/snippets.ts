/** @module The form's request as code for other clients. */
import type { RequestBody } from './request.ts';

export type SnippetName = 'curl' | 'python' | 'openai' | 'fetch';
export const SNIPPET_NAMES: readonly SnippetName[] = ['curl', 'python', 'openai', 'fetch'];

/**
 * @param server its address, without a slash at its end
 * @param needsKey whether to include a placeholder for the API key; the key itself never appears
 */
export function snippet(name: SnippetName, body: RequestBody, server: string, needsKey: boolean): string {
  return { curl, python, openai, fetch: fetchCall }[name](body, server, needsKey);
}

function curl(body: RequestBody, server: string, needsKey: boolean): string {
  return [
    `curl -N ${server}/v1/completions`,
    ...(needsKey ? [`-H "authorization: Bearer $API_KEY"`] : []),
    `-H 'content-type: application/json'`,
    `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`,
  ].join(' \\\n  ');
}

/** With the standard library only. */
function python(body: RequestBody, server: string, needsKey: boolean): string {
  const authorization = needsKey ? ', "authorization": "Bearer API_KEY"' : '';
  return `import json
from urllib.request import Request, urlopen

body = ${pythonLiteral(JSON.stringify(body, null, 4))}
headers = {"content-type": "application/json"${authorization}}
with urlopen(Request("${server}/v1/completions", json.dumps(body).encode(), headers)) as lines:
    for line in lines:
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                if choice["index"] == 0:
                    print(choice["text"], end="", flush=True)`;
}

/** JSON's strings and numbers are Python's too. */
function pythonLiteral(json: string): string {
  const names: Readonly<Record<string, string>> = { true: 'True', false: 'False', null: 'None' };
  return json.replace(/"(?:[^"\\]|\\.)*"|true|false|null/g, (part) => names[part] ?? part);
}

function openai(body: RequestBody, server: string, needsKey: boolean): string {
  return `import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: '${server}/v1',
  apiKey: ${needsKey ? 'process.env.API_KEY' : "'none'"},
});
const stream = await client.completions.create(${JSON.stringify(body, null, 2)});
for await (const { choices: [choice] } of stream) {
  if (choice?.index === 0) process.stdout.write(choice.text);
}`;
}

function fetchCall(body: RequestBody, server: string, needsKey: boolean): string {
  const authorization = needsKey ? "\n    authorization: 'Bearer API_KEY'," : '';
  return `const response = await fetch('${server}/v1/completions', {
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
