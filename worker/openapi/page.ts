/** @module The OpenAPI document as one HTML page without scripts or external files. */
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { type Field, fieldsOf } from './page-fields.ts';
import type { OpenApiDocument, Operation } from './types.ts';

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid; }
h3 { margin-top: 2rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .875em; }
pre { padding: .75rem; border: 1px solid; border-radius: .25rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
th { font-weight: 600; }
td { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
nav ul { columns: 18rem; padding-left: 1rem; }
summary { cursor: pointer; margin: .5rem 0; }
`;

/** @param nonce of the style, allowed by the response's content security policy */
export function referencePage(document: OpenApiDocument, nonce: string): Html {
  const base = baseOf(document);
  const schemas = Object.keys(document.components.schemas);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Entry => ({ path, method, operation })),
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>edgebeam: the HTTP interface</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<h1>edgebeam</h1>
<p>GPT-2 text generation at the edge, with beam search. This page is generated from
<a href="${base}/openapi.json">${base}/openapi.json</a>, which is generated from the schemas that validate requests. In an
optional field, <code>null</code> means omitted; unknown fields are rejected. If the deployment has keys, send
<code>authorization: Bearer KEY</code>.</p>
<nav><ul>${operations.map(contents)}</ul></nav>
<main>
${document.tags.map(
  ({ name, description }) => html`<h2>${name}</h2>
<p>${description}</p>
${operations.filter(({ operation }) => operation.tags.includes(name)).map((entry) => section(document, entry))}`,
)}
<h2>Answers</h2>
${schemas.filter((name) => !name.endsWith('Request')).map((name) => answer(document, name))}
</main>
</body>
</html>`;
}

interface Entry {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/** The paths of a document are below the path of its server. */
const baseOf = ({ servers: [server] }: OpenApiDocument): string => server?.url.replace(/\/$/, '') ?? '';

const titleOf = ({ method, path }: Entry) => `${method.toUpperCase()} ${path}`;
const idOf = ({ method, path }: Entry) => `${method}${path}`.replace(/[^a-z0-9]+/gi, '-');

function contents(entry: Entry): Html {
  return html`<li><a href="#${idOf(entry)}"><code>${titleOf(entry)}</code></a></li>`;
}

function section(document: OpenApiDocument, entry: Entry): Html {
  const { summary, requestBody, responses, security } = entry.operation;
  const body = requestBody?.content['application/json'];
  const fields = body && fieldsOf(document.components.schemas[nameOf(body.schema)]);
  return html`<section id="${idOf(entry)}">
<h3><code>${titleOf(entry)}</code></h3>
<p>${summary}.${security ? ' Needs no key.' : ''}</p>
${body ? html`<pre>${curl(baseOf(document), entry, body.example)}</pre>` : ''}
${fields ? html`<details open><summary>Request</summary>${requestTable(fields)}</details>` : ''}
<details><summary>Statuses</summary><table>
${Object.entries(responses).map(
  ([status, { description, content }]) =>
    html`<tr><td><code>${status}</code></td><td>${description}</td><td>${Object.entries(content).map(
      ([type, { schema }]) => html`<code>${type}</code> ${links(schema)}<br>`,
    )}</td></tr>`,
)}
</table></details>
</section>`;
}

function curl(base: string, { path }: Entry, example: object): string {
  return `curl $HOST${base}${path} -H 'content-type: application/json' -d '${JSON.stringify(example)}'`;
}

/** Links to the answer schemas that a schema references. */
function links(schema: object): Html[] {
  const all = 'anyOf' in schema && Array.isArray(schema.anyOf) ? schema.anyOf : [schema];
  return all
    .filter((reference) => '$ref' in reference)
    .map((reference) => html`<a href="#${nameOf(reference)}">${nameOf(reference)}</a> `);
}

function answer(document: OpenApiDocument, name: string): Html {
  return html`<section id="${name}"><h3>${name}</h3>${answerTable(fieldsOf(document.components.schemas[name]))}</section>`;
}

function requestTable(fields: readonly Field[]): Html {
  return html`<table>
<tr><th>field</th><th>type</th><th>default</th><th>meaning</th></tr>
${fields.map(
  ({ name, type, required, byDefault, description }) =>
    html`<tr><td><code>${name}</code></td><td>${required ? type : type.replace(/ or null$/, '')}</td><td>${
      required ? 'required' : byDefault && html`<code>${byDefault}</code>`
    }</td><td>${description}</td></tr>
`,
)}</table>`;
}

function answerTable(fields: readonly Field[]): Html {
  return html`<table>
<tr><th>field</th><th>type</th><th></th></tr>
${fields.map(
  ({ name, type, required }) =>
    html`<tr><td><code>${name}</code></td><td>${type}</td><td>${required ? '' : 'optional'}</td></tr>
`,
)}</table>`;
}

function nameOf({ $ref }: { readonly $ref: string }): string {
  return $ref.slice($ref.lastIndexOf('/') + 1);
}
