/** @module The pages of the browser peers: built by Vite beside the models, and served locally. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

const PAGES = join(import.meta.dirname, 'pages');

export type PageName = 'transformers' | 'wllama';

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** Builds the pages into the models' folder. */
export async function buildPages(served: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    root: PAGES,
    resolve: {
      alias: [
        // The package does not export all of these files.
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

/** The folder of transformers.js's own onnxruntime-web. */
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
  if (!url) throw new Error('the local server has no address');
  return { url, close: () => server.close() };
}
