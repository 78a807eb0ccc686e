/** @module node-llama-cpp for scripts in other folders, which do not find it. */
export { getLlama, TokenBias } from 'node-llama-cpp';
