/**
 * @module The catalogues of an isolate: read when a request first names them, and kept in memory that gives way to
 * requests, the one that was used longest ago first. While a request searches one, its memory is reserved.
 */
import { CatalogueError } from '../../decoding/catalogue/errors.ts';
import { Catalogue } from '../../decoding/catalogue/trie.ts';
import type { AdmissionQueue, QueueLimits } from '../../engine/batching/admission.ts';
import type { Evictable, MemoryBudget, MemoryReservation } from '../../engine/batching/memory-budget.ts';
import { MissingFileError, ModelFilesError } from '../../engine/model/errors.ts';
import { type ModelSource, readFile, readJson, type Sha256 } from '../../engine/model/model-source.ts';
import {
  CATALOGUES_FOLDER,
  CATALOGUES_MANIFEST,
  type CatalogueFile,
  type CataloguesManifest,
  cataloguesSchema,
} from '../../model-assets/format/catalogues.ts';

/** The isolate has no catalogue of this name, or one that cannot be used. */
export class UnusableCatalogueError extends Error {
  override readonly name = 'UnusableCatalogueError';
}

/** The model whose tokens the catalogues have. */
interface CatalogueModel {
  readonly manifest: {
    readonly tokenizer: { readonly sha256: string };
    readonly config: { readonly vocab_size: number };
  };
  readonly memory: MemoryBudget;
  readonly admission: AdmissionQueue;
}

/** Where a catalogue is, and how long its request waits for memory. */
export interface OpenContext {
  readonly source: ModelSource;
  readonly sha256: () => Sha256;
  readonly limits: QueueLimits;
  readonly signal: AbortSignal;
}

/** Of the objects around a catalogue's arrays, which its manifest does not count. */
const OBJECT_BYTES = 5000;

/** What a catalogue holds when it is loaded. */
const memoryOf = ({ memory }: CatalogueFile): number => memory + OBJECT_BYTES;

/** A use of a catalogue, which keeps its memory reserved. */
export interface CatalogueLease {
  /** @throws LeaseExpiredError */
  touch(): void;
  close(): void;
}

export class LoadedCatalogue {
  readonly file: CatalogueFile;
  readonly trie: Catalogue;
  readonly #memory: MemoryBudget;
  #reservation: MemoryReservation | undefined;
  #leases = 0;
  #isReserving = false;

  constructor(file: CatalogueFile, trie: Catalogue, memory: MemoryBudget) {
    this.file = file;
    this.trie = trie;
    this.#memory = memory;
  }

  /** Whether it gives way to requests. One that the platform has killed gives nothing back, but its lease expires. */
  get isIdle(): boolean {
    return !this.#isReserving && !this.#isLeased;
  }

  get #isLeased(): boolean {
    return this.#leases > 0 && this.#reservation?.expired === false;
  }

  /** @throws MemoryExhaustedError when other requests have reserved the memory */
  lease(): CatalogueLease {
    if (!this.#isLeased) {
      this.#reservation = this.#reserve();
      this.#leases = 0;
    }
    this.#leases++;
    const reservation = this.#reservation;
    let closed = false;
    return {
      touch: () => reservation?.touch(),
      close: () => {
        if (closed || reservation !== this.#reservation) return;
        closed = true;
        if (--this.#leases === 0) reservation?.close();
      },
    };
  }

  #reserve(): MemoryReservation {
    // Not to be evicted for itself.
    this.#isReserving = true;
    try {
      return this.#memory.reserve(memoryOf(this.file));
    } finally {
      this.#isReserving = false;
    }
  }
}

export class Catalogues implements Evictable {
  readonly #model: CatalogueModel;
  #manifest: CataloguesManifest | undefined;
  /** The first was used longest ago. */
  readonly #loaded = new Map<string, LoadedCatalogue>();

  constructor(model: CatalogueModel) {
    this.#model = model;
  }

  /** Of those that no request searches. */
  get bytes(): number {
    return this.#idle.reduce((sum, [, { file }]) => sum + memoryOf(file), 0);
  }

  get #idle(): [string, LoadedCatalogue][] {
    return [...this.#loaded].filter(([, catalogue]) => catalogue.isIdle);
  }

  evict(bytes: number): void {
    let wanted = bytes;
    for (const [name, { file }] of this.#idle) {
      if (wanted <= 0) return;
      this.#loaded.delete(name);
      wanted -= memoryOf(file);
    }
  }

  /** All that the deployment has, by name, and whether they are in memory. */
  async list(source: ModelSource): Promise<Record<string, CatalogueFile & { readonly loaded: boolean }>> {
    const { catalogues } = await this.#read(source);
    return Object.fromEntries(
      Object.entries(catalogues).map(([name, file]) => [name, { ...file, loaded: this.#loaded.has(name) }]),
    );
  }

  /**
   * Loads a catalogue, unless it is in memory.
   * @throws UnusableCatalogueError; MemoryExhaustedError for one that never fits; as `AdmissionQueue.admit`
   */
  async open(name: string, { source, sha256, limits, signal }: OpenContext): Promise<LoadedCatalogue> {
    const known = this.#loaded.get(name);
    if (known) {
      this.#loaded.delete(name);
      this.#loaded.set(name, known);
      return known;
    }
    const file = await this.#fileOf(name, source);
    const { memory, admission } = this.#model;
    memory.check(memoryOf(file));
    const { value: reservation } = await admission.admit(
      () => memory.reserve(memoryOf(file)),
      limits,
      signal,
    );
    try {
      const trie = await this.#readTrie(name, file, source, sha256);
      // Another request may have loaded it meanwhile: no request waits for another.
      const loaded = this.#loaded.get(name) ?? new LoadedCatalogue(file, trie, memory);
      this.#loaded.set(name, loaded);
      return loaded;
    } finally {
      reservation.close();
    }
  }

  async #fileOf(name: string, source: ModelSource): Promise<CatalogueFile> {
    let { catalogues } = await this.#read(source);
    if (!Object.hasOwn(catalogues, name)) {
      // It may be new in the bucket.
      this.#manifest = undefined;
      catalogues = (await this.#read(source)).catalogues;
    }
    const file = Object.hasOwn(catalogues, name) ? catalogues[name] : undefined;
    if (file) return file;
    const names = Object.keys(catalogues);
    throw new UnusableCatalogueError(
      names.length === 0
        ? `must not be given: this deployment has no catalogues, nor ${JSON.stringify(name)}`
        : `must be one of this deployment's, ${names.join(' or ')}, not ${JSON.stringify(name)}`,
    );
  }

  async #readTrie(
    name: string,
    file: CatalogueFile,
    source: ModelSource,
    sha256: () => Sha256,
  ): Promise<Catalogue> {
    const { tokenizer, config } = this.#model.manifest;
    const again = `pack it again with npm run catalogue, which wrote ${file.path}`;
    const foreign = `${JSON.stringify(name)} has tokens of another tokenizer than the model's: ${again}`;
    if (file.tokenizer !== tokenizer.sha256) throw new UnusableCatalogueError(foreign);
    try {
      const path = `${CATALOGUES_FOLDER}/${file.path}`;
      const trie = Catalogue.read(await readFile(source, { ...file, path }, sha256));
      if (trie.tokenizer !== tokenizer.sha256 || trie.vocabSize > config.vocab_size) {
        throw new UnusableCatalogueError(foreign);
      }
      if (trie.bytes > file.memory) throw new CatalogueError('it takes more memory than its manifest says');
      return trie;
    } catch (error) {
      if (!(error instanceof CatalogueError || error instanceof ModelFilesError)) throw error;
      console.error(error);
      throw new UnusableCatalogueError(`${JSON.stringify(name)} cannot be read: ${error.message}; ${again}`);
    }
  }

  async #read(source: ModelSource): Promise<CataloguesManifest> {
    this.#manifest ??= await manifestOf(source);
    return this.#manifest;
  }
}

/** A deployment without the file has no catalogues. @throws UnusableCatalogueError for a file of another form */
async function manifestOf(source: ModelSource): Promise<CataloguesManifest> {
  const path = `${CATALOGUES_FOLDER}/${CATALOGUES_MANIFEST}`;
  let json: unknown;
  try {
    json = await readJson(source, path);
  } catch (error) {
    if (error instanceof MissingFileError) return { version: 1, catalogues: {} };
    if (!(error instanceof ModelFilesError)) throw error;
    throw new UnusableCatalogueError(`cannot be looked up: ${error.message}`);
  }
  const { data, error } = cataloguesSchema.safeParse(json);
  if (data) return data;
  const [issue] = error.issues;
  throw new UnusableCatalogueError(
    `cannot be looked up: ${path}: ${issue?.path.join('.')}: ${issue?.message}`,
  );
}
