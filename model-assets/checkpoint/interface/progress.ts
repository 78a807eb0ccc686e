/** @module Progress of the work on a checkpoint or a model. */

/** Called after each step with the work done, the total in the same unit (bytes, or tokens) and a label. */
export type OnProgress = (done: number, total: number, label: string) => void;

/** Called with one sentence about something that a user may not expect. */
export type OnWarning = (message: string) => void;
