/** @module What both formats of torch give: the object that was saved, and where its storages are. */
import type { StorageIdentity } from './storage.ts';
import type { PickleValue } from './values.ts';

/** Of the pickle of an archive, and of all pickles of a legacy file. GPT-2 XL's takes 100 kB. */
export const MAX_PICKLE_BYTES = 1 << 25;

export interface TorchContent {
  /** What was saved. */
  readonly root: PickleValue;
  /** Whether elements are in big-endian order. */
  readonly isBigEndian: boolean;
  /**
   * @returns the position of a storage's first byte in the file.
   * @throws FormatError if it is not there in its whole length.
   */
  locate(storage: StorageIdentity): Promise<number>;
  /** @throws FormatError if a storage does not have its checksum, where the format has one. */
  check?(storage: StorageIdentity): Promise<void>;
}
