/** @module All peers, edgebeam included. */
import type { Precision } from '../../model-assets/format/manifest.ts';
import { missingChromium, startChromiumPeer } from './browser/chromium-peer.ts';
import type { NodePeer } from './node-child.ts';
import { startNodePeer } from './node-peer.ts';
import { ensureInstalled } from './packages.ts';
import type { Peer } from './peer.ts';
import { missingPython, startPythonPeer } from './python-peer.ts';
import { startWorkerdPeer } from './workerd-peer.ts';

export const EDGEBEAM_NODE = 'edgebeam, Node';

const neverMissing = async () => null;
const missingBrowser = async () => (await missingChromium()) ?? (await ensureInstalled('browser'));

const LLAMA_REMEDY = 'build one in bench/peers/native, with `npx node-llama-cpp source download`';
const ORT_REMEDY = 'onnxruntime-node has some for Linux and Windows on x64 and arm64, and macOS on arm64';

/** A peer of native code, whose package may have no binary for this platform. */
const native = (name: string, precision: string, peer: NodePeer, remedy: string): Peer => ({
  name: `${name}, native`,
  precision,
  missing: async () => (await ensureInstalled('native')) ?? (await whyNotStarted(peer, remedy)),
  start: (models) => startNodePeer(peer, models),
});

async function whyNotStarted(peer: NodePeer, remedy: string): Promise<string | null> {
  try {
    await (await startNodePeer(peer)).close();
    return null;
  } catch (error) {
    const [firstLine] = (error as Error).message.split('\n');
    return `no binary runs on this ${process.platform} ${process.arch} (${firstLine}): ${remedy}`;
  }
}

/** @param precision edgebeam's; each peer has its own: its usual 8 bits, or f32 */
export function allPeers(precision: Precision): Peer[] {
  return [
    {
      name: EDGEBEAM_NODE,
      precision,
      missing: neverMissing,
      start: (models) => startNodePeer('edgebeam', models),
    },
    { name: 'edgebeam, workerd', precision, missing: neverMissing, start: startWorkerdPeer },
    {
      name: '`BeamSearch` of onnxruntime-web, Node',
      precision: 'int8',
      missing: neverMissing,
      start: (models) => startNodePeer('web-beam-search', models),
    },
    {
      name: 'transformers.js, Chromium',
      precision: 'q8',
      missing: missingBrowser,
      start: (models) => startChromiumPeer('transformers', models),
    },
    {
      name: 'wllama, Chromium',
      precision: 'Q8_0',
      missing: missingBrowser,
      start: (models) => startChromiumPeer('wllama', models),
    },
    native('llama.cpp', 'Q8_0', 'llama-q8', LLAMA_REMEDY),
    native('llama.cpp', 'Q4_0', 'llama-q4', LLAMA_REMEDY),
    native('ONNX Runtime', 'int8', 'ort-loop', ORT_REMEDY),
    native('`BeamSearch` of ONNX Runtime', 'int8', 'ort-beam-search', ORT_REMEDY),
    {
      name: 'transformers, PyTorch',
      precision: 'f32',
      missing: missingPython,
      start: (models) => startPythonPeer('f32', models),
    },
    {
      name: 'transformers, PyTorch dynamic',
      precision: 'int8',
      missing: missingPython,
      start: (models) => startPythonPeer('int8', models),
    },
  ];
}
