/** @module All peers, edgebeam included. */
import type { Precision } from '../../model-assets/format/manifest.ts';
import { missingChromium, startChromiumPeer } from './browser/chromium-peer.ts';
import { ensureInstalled } from './browser/install.ts';
import { startNodePeer } from './node-peer.ts';
import type { Peer } from './peer.ts';
import { missingPython, startPythonPeer } from './python-peer.ts';
import { startWorkerdPeer } from './workerd-peer.ts';

export const EDGEBEAM_NODE = 'edgebeam, Node';

const neverMissing = async () => null;
const missingBrowser = async () => (await missingChromium()) ?? (await ensureInstalled());

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
      start: (models) => startNodePeer('beam-search', models),
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
