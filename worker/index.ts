/** @module The Worker. */
import { edgebeam } from './edgebeam.ts';

export default edgebeam({ bindings: (env: Env) => env });
