/** @module node-llama-cpp, also for scripts in other folders, which do not find it: llama.cpp on one thread. */
import { getLlama } from 'node-llama-cpp';

export { TokenBias } from 'node-llama-cpp';

/** Of the binaries in the package, llama.cpp loads the one for the instructions of this processor. */
export const startLlama = () =>
  getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: 'error', progressLogs: false });
