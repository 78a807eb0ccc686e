/** @module The graph of imports between files, and between their folders. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The imported files and packages of each file. Files are paths from the root of the repository. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** The graph of the TypeScript files in `folders`, without AssemblyScript, declarations and built files. */
export function importGraph(root: string, folders: readonly string[]): ImportGraph {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => join(folder, path))
      .filter((path) => /(?<!\.d)\.ts$/.test(path) && !/\/(assembly|dist|built)\//.test(path)),
  );
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(join(root, file), 'utf8'))]));
}

/** @param source TypeScript with static imports or `import('…')` */
export function importsOf(file: string, source: string): string[] {
  // Only at the beginning of a line: a string may contain code with imports.
  const statements = source.matchAll(
    /^(?:import|export)\s(?:[\w*{][^'`=()]*\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  const specifiers = [...statements].map(([, name, dynamic]) => name ?? dynamic ?? '');
  return specifiers.map((name) => (name.startsWith('.') ? normalize(join(dirname(file), name)) : name));
}

/** The imports that `arrows` does not allow, as `file → import`. */
export function forbiddenImports(
  graph: ImportGraph,
  arrows: Readonly<Record<string, readonly string[]>>,
): string[] {
  return [...graph].flatMap(([file, imports]) => {
    const folder = dirname(file);
    const allowed = arrows[folder];
    if (!allowed) return [`${file}: ARROWS has no entry for its folder`];
    return imports
      .filter((name) => {
        const target = isLocal(name) ? dirname(name) : packageOf(name);
        return target !== folder && !allowed.includes(target);
      })
      .map((name) => `${file} → ${name}`);
  });
}

/** Whether an import is a path from the root of the repository. */
const isLocal = (name: string) =>
  /^(?:chat|decoding|engine|tokenizer|model-assets|packages|worker)\//.test(name);

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node:';
  const [scope = '', name = ''] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

/** A cycle in a graph, as the list of its nodes; undefined if the graph has none. */
export function findCycle(graph: ReadonlyMap<string, Iterable<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}

export function folderGraph(graph: ImportGraph): ReadonlyMap<string, ReadonlySet<string>> {
  const folders = new Map<string, Set<string>>();
  for (const [file, imports] of graph) {
    const targets = folders.get(dirname(file)) ?? new Set();
    folders.set(dirname(file), targets);
    for (const name of imports) {
      if (graph.has(name) && dirname(name) !== dirname(file)) targets.add(dirname(name));
    }
  }
  return folders;
}
