/** @module The pages of the peers that run in a browser: built by Vite beside the models, and served on this machine. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

const PAGES = join(import.meta.dirname, 'pages');

export type PageName = 'transformers' | 'wllama';

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** Puts the pages into the folder of models. */
export async function buildPages(served: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    root: PAGES,
    resolve: {
      alias: [
        // Not every one of their files is exported by name.
        { find: /^onnxruntime-web\/(ort-.*\.(mjs|wasm))(?=\?url)/, replacement: join(distOfOrt(), '$1') },
      ],
    },
    build: {
      outDir: served,
      emptyOutDir: false,
      target: 'esnext',
      rolldownOptions: { input: ['transformers', 'wllama'].map((page) => join(PAGES, `${page}.html`)) },
    },
  });
}

/** The folder of that onnxruntime-web which transformers.js brings. */
function distOfOrt(): string {
  return dirname(fileURLToPath(import.meta.resolve('onnxruntime-web', import.meta.url)));
}

export async function serve(served: string): Promise<Site> {
  const server = await preview({
    configFile: false,
    logLevel: 'error',
    root: PAGES,
    build: { outDir: served },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const [url] = server.resolvedUrls?.local ?? [];
  if (!url) throw new Error('the local server says nothing of its address');
  return { url, close: () => server.close() };
}
