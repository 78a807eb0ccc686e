/**
 * @module A local test server that emulates the Hugging Face hub: its API, `resolve`, and the CDN for large
 * files, on another origin.
 *
 * Responses follow the sources of `@huggingface/hub` and Python's huggingface_hub and the hub's public docs.
 * Lists of files are paginated. Legacy ids are redirected. Files in Git are served from the hub's cache,
 * compressed if the client accepts that. Files in LFS are served from a signed URL, which accepts no token.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Exchange, type Fault, type RecordedRequest } from './hub-exchange.ts';

export const TOKEN = 'hf_of-a-test';
const SIGNATURE = 'Signature=of-a-test';
const PAGE_SIZE = 4;
/** The CDN is `localhost`: the same machine, but another origin. */
const HOST = '127.0.0.1';

export interface HostedModel {
  /** A folder with its files, without subfolders. */
  readonly folder: string;
  /** Additional files; they replace files of the folder with the same name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /**
   * Without the token, a `private` model is hidden; a `gated` one is listed, but its files are not served.
   */
  readonly access?: 'public' | 'private' | 'gated';
  /** An id without an owner, which redirects to the model. */
  readonly legacyId?: string;
}

export interface HubServer extends AsyncDisposable {
  /** For HF_ENDPOINT. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** The commit of every model and revision. */
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

/** As in the .gitattributes of models on the hub. */
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
 * @param fault called for each request, with the previous requests; undefined injects no fault
 * @example await using hub = await startHubServer({ 'edgebeam/default': { folder: DEFAULT_CHECKPOINT } });
 */
export async function startHubServer(
  models: Readonly<Record<string, HostedModel>>,
  fault: (request: RecordedRequest, previous: readonly RecordedRequest[]) => Fault | undefined = () =>
    undefined,
): Promise<HubServer> {
  const requests: RecordedRequest[] = [];
  const stored = new Map<string, Map<string, StoredFile>>();
  for (const [id, model] of Object.entries(models)) stored.set(id, await load(model));

  const serve =
    (
      server: RecordedRequest['server'],
      route: (exchange: Exchange) => ServerResponse | Promise<ServerResponse>,
    ): RequestListener =>
    (request, response) => {
      const { method = '', url = '', headers } = request;
      const { range, authorization } = headers;
      const record: RecordedRequest = { server, method, path: url, range, authorization, sent: 0 };
      const injected = fault(record, requests);
      requests.push(record);
      const exchange = new Exchange(request, response, record, injected);
      if (injected?.status) exchange.send(injected.status, injected.headers, injected.body);
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
    requests,
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
  // Like S3, rejects a token in addition to a signature.
  if (exchange.record.authorization) return exchange.send(400, {}, 'Only one auth mechanism allowed');
  const file = blobs.get(pathname.slice('/lfs/'.length));
  if (!file || search !== `?${SIGNATURE}`) return exchange.send(403, {}, 'AccessDenied');
  return exchange.sendFile(file.bytes, digestOf('md5', file.bytes));
}

/** `/api/models/ID…`, `/ID/resolve/REVISION/FILE`, and the hub's cache of small files. */
const API =
  /^\/api\/models\/(?<id>[\w.-]+(?:\/[\w.-]+)??)(?:\/(?<api>revision|tree|paths-info)\/(?<revision>[^/]+)(?:\/(?<folder>[\w/]+))?)?$/;
const RESOLVE = /^\/(?<id>[\w.-]+(?:\/[\w.-]+)??)\/resolve\/(?<revision>[^/]+)\/(?<name>.+)$/;
const CACHED = /^\/api\/resolve-cache\/models\/(?<id>[\w.-]+\/[\w.-]+)\/(?<revision>\w+)\/(?<name>.+)$/;

async function routeHub(
  exchange: Exchange,
  models: Readonly<Record<string, HostedModel>>,
  stored: ReadonlyMap<string, ReadonlyMap<string, StoredFile>>,
  cdn: string,
): Promise<ServerResponse> {
  const { pathname, href, origin } = exchange.url;
  const match = RESOLVE.exec(pathname) ?? CACHED.exec(pathname) ?? API.exec(pathname);
  const { id = '', api, revision = 'main', name, folder } = match?.groups ?? {};
  const current = Object.keys(models).find((key) => models[key]?.legacyId === id);
  if (current) {
    return exchange.send(307, { location: href.slice(origin.length).replace(`/${id}`, `/${current}`) });
  }
  const { access = 'public' } = models[id] ?? {};
  const { authorization } = exchange.record;
  if (authorization && authorization !== `Bearer ${TOKEN}`) {
    return exchange.sendError(401, undefined, 'Invalid credentials in Authorization header');
  }
  const files = stored.get(id);
  if (!files || (access === 'private' && !authorization)) {
    return exchange.sendError(authorization ? 404 : 401, 'RepoNotFound', 'Repository not found');
  }
  if (access === 'gated' && name && !authorization) {
    return exchange.sendError(401, 'GatedRepo', `Access to model ${id} is restricted`);
  }
  if (!['main', 'HEAD', 'refs/pr/1', COMMIT].includes(decodeURIComponent(revision))) {
    return exchange.sendError(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
  }
  if (name === undefined) return answerApi(exchange, id, { api, folder, access }, files);
  const file = files.get(decodeURIComponent(name));
  if (!file) return exchange.sendError(404, 'EntryNotFound', 'Entry not found');
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
  { api, folder = '', access }: Partial<Record<'api' | 'folder' | 'access', string | undefined>>,
  files: ReadonlyMap<string, StoredFile>,
): Promise<ServerResponse> {
  const entries = [...files].map(([path, { oid, bytes, lfs }]) => ({
    type: 'file',
    oid,
    size: bytes.length,
    path,
    ...(lfs && { lfs: { oid: lfs, size: bytes.length, pointerSize: 134 } }),
  }));
  if (api === 'tree') {
    const { url } = exchange;
    const start = Number(url.searchParams.get('cursor'));
    url.searchParams.set('cursor', String(start + PAGE_SIZE));
    const tree = treeOf(folder, entries);
    const next = start + PAGE_SIZE < tree.length && { link: `<${url.href}>; rel="next"` };
    return exchange.sendJson(tree.slice(start, start + PAGE_SIZE), next || {});
  }
  if (api === 'paths-info') {
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

/** The files and folders in `folder`, or in the root folder, which also has one with another format. */
function treeOf<Entry extends { readonly path: string }>(
  folder: string,
  entries: readonly Entry[],
): object[] {
  const folderOf = (path: string) => path.split('/').slice(0, -1).join('/');
  const folders = folder
    ? []
    : new Set(['onnx', ...entries.map(({ path }) => folderOf(path)).filter(Boolean)]);
  return [
    ...[...folders].map((path) => ({ type: 'directory', oid: COMMIT, size: 0, path })),
    ...entries.filter(({ path }) => folderOf(path) === folder),
  ];
}

async function listen(host: string, listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, host);
  await once(server, 'listening');
  return server;
}

function addressOf(host: string, server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return `http://${host}:${address.port}`;
}
