/** @module One request to the test's hub and its answer: ranges, compression, and what goes wrong on purpose. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

/** A request as it came, and what became of it. */
export interface Seen {
  readonly server: 'hub' | 'cdn';
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** Bytes of the file in the answer's body. */
  sent: number;
}

/** What goes wrong with one answer. */
export interface Fault {
  /** Another answer altogether. */
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** The connection ends after so many bytes of the file; with `stall` it stays open and nothing more comes. */
  readonly breakAfter?: number;
  readonly stall?: boolean;
  /** The whole file for a range, with status 200 (RFC 9110, 14.2). */
  readonly ignoreRange?: boolean;
  /** One byte is another. */
  readonly corrupt?: boolean;
}

export class Exchange {
  readonly url: URL;
  readonly seen: Seen;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #fault: Fault;

  constructor(request: IncomingMessage, response: ServerResponse, seen: Seen, fault: Fault = {}) {
    this.#request = request;
    this.#response = response;
    this.#fault = fault;
    this.seen = seen;
    this.url = new URL(seen.path, `http://${request.headers.host}`);
  }

  json(): Promise<unknown> {
    return json(this.#request);
  }

  send(status: number, headers: Record<string, string> = {}, body: string | Uint8Array = ''): ServerResponse {
    this.#response.writeHead(status, { 'content-length': String(body.length), ...headers });
    return this.#response.end(this.seen.method === 'HEAD' ? undefined : body);
  }

  sendJson(value: unknown, headers: Record<string, string> = {}): ServerResponse {
    return this.send(200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
  }

  /** As the hub says no: the cause in a header and in the body. */
  refuse(status: number, code: string | undefined, message: string): ServerResponse {
    const headers = { 'content-type': 'application/json', 'x-error-message': message };
    const body = JSON.stringify({ error: message });
    return this.send(status, { ...headers, ...(code && { 'x-error-code': code }) }, body);
  }

  /** A file in Git: compressed unless a range is asked for or the client says it takes it as it is. */
  sendSmallFile(bytes: Uint8Array, etag: string, headers: Record<string, string>): ServerResponse {
    const accepted = String(this.#request.headers['accept-encoding'] ?? '');
    if (this.seen.range || !/\bgzip\b/.test(accepted)) return this.sendFile(bytes, etag, headers);
    this.seen.sent = bytes.length;
    return this.send(200, { ...headers, 'content-encoding': 'gzip', etag: `W/"${etag}"` }, gzipSync(bytes));
  }

  /** A file, or the range of it that is asked for. */
  sendFile(bytes: Uint8Array, etag: string, headers: Record<string, string> = {}): ServerResponse {
    const { ignoreRange, corrupt } = this.#fault;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(this.seen.range ?? '') ?? [];
    const whole = from === undefined || ignoreRange;
    const start = whole ? 0 : Number(from);
    const end = whole || !to ? bytes.length : Math.min(Number(to) + 1, bytes.length);
    if (start >= bytes.length) return this.send(416, { 'content-range': `bytes */${bytes.length}` });
    const body = Buffer.from(bytes.subarray(start, end));
    if (corrupt) body.writeUInt8(body.readUInt8(body.length >> 1) ^ 1, body.length >> 1);
    this.#response.writeHead(whole ? 200 : 206, {
      ...headers,
      'accept-ranges': 'bytes',
      'content-length': String(body.length),
      etag: `"${etag}"`,
      ...(!whole && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
    });
    return this.seen.method === 'HEAD' ? this.#response.end() : this.#sendBody(body);
  }

  #sendBody(body: Uint8Array): ServerResponse {
    const { breakAfter, stall } = this.#fault;
    this.seen.sent = Math.min(body.length, breakAfter ?? body.length);
    if (breakAfter === undefined) return this.#response.end(body);
    this.#response.write(body.subarray(0, breakAfter), () => {
      if (!stall) this.#response.socket?.end();
    });
    return this.#response;
  }
}
