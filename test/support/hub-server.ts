/**
 * @module The Hugging Face hub as a client sees it, on this machine: its API, `resolve`, and the CDN that large files
 * are redirected to, on another origin.
 *
 * What it answers follows the sources of `@huggingface/hub` and Python's huggingface_hub and the hub's public docs:
 * lists of files come in pages, the first models' bare names are redirected, files in Git are served from a cache of
 * the hub and compressed if the client takes that, files in LFS from an address that is signed and takes no token.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Exchange, type Fault, type Seen } from './hub-exchange.ts';

export const TOKEN = 'hf_of-a-test';
const SIGNATURE = 'Signature=of-a-test';
const PAGE = 4;
/** The CDN is `localhost`: another host, though the same machine. */
const HOST = '127.0.0.1';

export interface HostedModel {
  /** Where its files are, without folders. */
  readonly folder: string;
  /** Files beside those of the folder, or in their place. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Without the token: `private` is not there at all, `gated` is listed and not served. */
  readonly access?: 'public' | 'private' | 'gated';
  /** The name it had before it had an owner. */
  readonly formerly?: string;
}

export interface HubServer extends AsyncDisposable {
  /** For HF_ENDPOINT. */
  readonly url: string;
  readonly seen: readonly Seen[];
  /** Of every model and revision. */
  readonly commit: string;
}

interface StoredFile {
  readonly bytes: Uint8Array;
  readonly oid: string;
  readonly lfs?: string;
}

export const COMMIT = createHash('sha1').update('the only commit').digest('hex');

const digestOf = (algorithm: string, ...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash(algorithm)).digest('hex');

/** As .gitattributes of every model on the hub has it. */
const isLarge = (name: string) => /\.(safetensors|bin|h5|msgpack)$/.test(name);

function store(name: string, bytes: Uint8Array): StoredFile {
  const git = (content: string | Uint8Array) => digestOf('sha1', `blob ${content.length}\0`, content);
  if (!isLarge(name)) return { bytes, oid: git(bytes) };
  const lfs = digestOf('sha256', bytes);
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${lfs}\nsize ${bytes.length}\n`;
  return { bytes, lfs, oid: git(pointer) };
}

async function load({ folder, files = {} }: HostedModel): Promise<Map<string, StoredFile>> {
  const names = await readdir(folder);
  const read = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name))] as const),
  );
  const extra = Object.entries(files).map(([name, content]) => [name, Buffer.from(content)] as const);
  return new Map([...read, ...extra].map(([name, bytes]) => [name, store(name, bytes)]));
}

/**
 * @param fault asked for each request, with those before it; undefined lets it pass
 * @example await using hub = await startHubServer({ 'edgebeam/default': { folder: DEFAULT_CHECKPOINT } });
 */
export async function startHubServer(
  models: Readonly<Record<string, HostedModel>>,
  fault: (request: Seen, before: readonly Seen[]) => Fault | undefined = () => undefined,
): Promise<HubServer> {
  const seen: Seen[] = [];
  const stored = new Map<string, Map<string, StoredFile>>();
  for (const [id, model] of Object.entries(models)) stored.set(id, await load(model));

  const serve =
    (
      server: Seen['server'],
      route: (exchange: Exchange) => ServerResponse | Promise<ServerResponse>,
    ): RequestListener =>
    (request, response) => {
      const { method = '', url = '', headers } = request;
      const { range, authorization } = headers;
      const entry: Seen = { server, method, path: url, range, authorization, sent: 0 };
      const wrong = fault(entry, seen);
      seen.push(entry);
      const exchange = new Exchange(request, response, entry, wrong);
      if (wrong?.status) exchange.send(wrong.status, wrong.headers, wrong.body);
      else void route(exchange);
    };

  const blobs = new Map(
    [...stored.values()].flatMap((files) => [...files.values()]).map((file) => [file.lfs, file]),
  );
  const cdn = await listen(
    'localhost',
    serve('cdn', (exchange) => routeCdn(exchange, blobs)),
  );
  const cdnUrl = addressOf('localhost', cdn);
  const hub = await listen(
    HOST,
    serve('hub', (exchange) => routeHub(exchange, models, stored, cdnUrl)),
  );
  return {
    url: addressOf(HOST, hub),
    seen,
    commit: COMMIT,
    async [Symbol.asyncDispose]() {
      for (const server of [hub, cdn]) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
    },
  };
}

function routeCdn(exchange: Exchange, blobs: ReadonlyMap<string | undefined, StoredFile>): ServerResponse {
  const { pathname, search } = exchange.url;
  // As S3 does: an address that is signed and a token are one too many.
  if (exchange.seen.authorization) return exchange.send(400, {}, 'Only one auth mechanism allowed');
  const file = blobs.get(pathname.slice('/lfs/'.length));
  if (!file || search !== `?${SIGNATURE}`) return exchange.send(403, {}, 'AccessDenied');
  return exchange.sendFile(file.bytes, digestOf('md5', file.bytes));
}

/** `/api/models/ID…`, `/ID/resolve/REVISION/FILE`, and the hub's own cache of small files. */
const API =
  /^\/api\/models\/(?<id>[\w.-]+(?:\/[\w.-]+)??)(?:\/(?<what>revision|tree|paths-info)\/(?<revision>[^/]+))?$/;
const RESOLVE = /^\/(?<id>[\w.-]+(?:\/[\w.-]+)??)\/resolve\/(?<revision>[^/]+)\/(?<name>[^/]+)$/;
const CACHED = /^\/api\/resolve-cache\/models\/(?<id>[\w.-]+\/[\w.-]+)\/(?<revision>\w+)\/(?<name>[^/]+)$/;

async function routeHub(
  exchange: Exchange,
  models: Readonly<Record<string, HostedModel>>,
  stored: ReadonlyMap<string, ReadonlyMap<string, StoredFile>>,
  cdn: string,
): Promise<ServerResponse> {
  const { pathname, href, origin } = exchange.url;
  const match = RESOLVE.exec(pathname) ?? CACHED.exec(pathname) ?? API.exec(pathname);
  const { id = '', what, revision = 'main', name } = match?.groups ?? {};
  const current = Object.keys(models).find((key) => models[key]?.formerly === id);
  if (current) {
    return exchange.send(307, { location: href.slice(origin.length).replace(`/${id}`, `/${current}`) });
  }
  const { access = 'public' } = models[id] ?? {};
  const { authorization } = exchange.seen;
  if (authorization && authorization !== `Bearer ${TOKEN}`) {
    return exchange.refuse(401, undefined, 'Invalid credentials in Authorization header');
  }
  const files = stored.get(id);
  if (!files || (access === 'private' && !authorization)) {
    return exchange.refuse(authorization ? 404 : 401, 'RepoNotFound', 'Repository not found');
  }
  if (access === 'gated' && name && !authorization) {
    return exchange.refuse(401, 'GatedRepo', `Access to model ${id} is restricted`);
  }
  if (!['main', 'HEAD', 'refs/pr/1', COMMIT].includes(decodeURIComponent(revision))) {
    return exchange.refuse(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
  }
  if (name === undefined) return answerApi(exchange, id, what, access, files);
  const file = files.get(decodeURIComponent(name));
  if (!file) return exchange.refuse(404, 'EntryNotFound', 'Entry not found');
  const headers = { 'x-repo-commit': COMMIT, 'accept-ranges': 'bytes' };
  if (CACHED.test(pathname)) return exchange.sendSmallFile(file.bytes, file.oid, headers);
  if (!file.lfs) {
    const location = `/api/resolve-cache/models/${id}/${COMMIT}/${name}?etag=%22${file.oid}%22`;
    return exchange.send(307, { ...headers, location, etag: `"${file.oid}"` });
  }
  return exchange.send(302, {
    ...headers,
    location: `${cdn}/lfs/${file.lfs}?${SIGNATURE}`,
    'x-linked-size': String(file.bytes.length),
    'x-linked-etag': `"${file.lfs}"`,
  });
}

async function answerApi(
  exchange: Exchange,
  id: string,
  what: string | undefined,
  access: string,
  files: ReadonlyMap<string, StoredFile>,
): Promise<ServerResponse> {
  const entries = [...files].map(([path, { oid, bytes, lfs }]) => ({
    type: 'file',
    oid,
    size: bytes.length,
    path,
    ...(lfs && { lfs: { oid: lfs, size: bytes.length, pointerSize: 134 } }),
  }));
  if (what === 'tree') {
    const { url } = exchange;
    const start = Number(url.searchParams.get('cursor'));
    url.searchParams.set('cursor', String(start + PAGE));
    const next = start + PAGE < entries.length + 1 && { link: `<${url.href}>; rel="next"` };
    const folder = { type: 'directory', oid: COMMIT, size: 0, path: 'onnx' };
    return exchange.sendJson([folder, ...entries].slice(start, start + PAGE), next || {});
  }
  if (what === 'paths-info') {
    const { paths } = (await exchange.json()) as { paths: string[] };
    return exchange.sendJson(entries.filter(({ path }) => paths.includes(path)));
  }
  return exchange.sendJson({
    _id: '621ffdc036468d709f17434d',
    id,
    modelId: id,
    sha: COMMIT,
    private: access === 'private',
    gated: access === 'gated' ? 'auto' : false,
    lastModified: '2026-01-01T00:00:00.000Z',
    likes: 0,
    downloads: 0,
    pipeline_tag: 'text-generation',
    siblings: entries.map(({ path }) => ({ rfilename: path })),
  });
}

async function listen(host: string, listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, host);
  await once(server, 'listening');
  return server;
}

function addressOf(host: string, server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://${host}:${address.port}`;
}
