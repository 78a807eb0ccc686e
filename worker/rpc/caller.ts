/** @module The door for Workers that call: what they need beside the binding. It imports nothing of the rest. */
export { crossing } from './crossing.ts';
export { isEdgebeamError, type RpcErrorFields } from './errors.ts';
export { readEvents } from './read-events.ts';
export type * from './types.ts';
