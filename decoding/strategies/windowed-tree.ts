/**
 * @module A tree for texts longer than the context, over the tree of a model. Strategies append tokens without end.
 *
 * A node that has no position left in the model's tree gets none when it is appended. When it is evaluated, what its text
 * keeps in view is appended anew, from the first position that is not kept, and computed again: a reset. By then the
 * hypotheses that it continues have released their nodes, so the old window and the new one are never held together.
 * Several hypotheses share in the new window what they shared in the old one.
 */
import type { Evaluation, EvaluationKind, TokenTree, TreeNode } from '../interface/token-tree.ts';
import type { ContextWindow } from '../options/capacity.ts';
import { droppedTokens } from '../options/context-window.ts';

class WindowNode implements TreeNode {
  readonly token: number;
  /** In the whole text. */
  readonly position: number;
  /** After a reset, its parent in the new window. */
  parent: WindowNode | null;
  /** In the model's tree; null if the window must be reset first. */
  modelNode: TreeNode | null;
  /** Whether the caller has released it. */
  isReleased = false;

  constructor(token: number, position: number, parent: WindowNode | null, modelNode: TreeNode | null) {
    this.token = token;
    this.position = position;
    this.parent = parent;
    this.modelNode = modelNode;
  }
}

export class WindowedTree implements TokenTree {
  readonly lendsLogits: boolean;
  readonly #tree: TokenTree;
  readonly #window: ContextWindow;
  /** The number of tokens that the first window lacks of the prompt. */
  readonly #cut: number;
  /** The last of the tokens that are never dropped. */
  #kept: WindowNode | null = null;
  #resets = 0;

  /**
   * @param tree with room for the window of each hypothesis (`requiredNodes`)
   * @param promptLength in tokens, of which `tokensInView` are appended
   */
  constructor(tree: TokenTree, window: ContextWindow, promptLength: number) {
    this.#tree = tree;
    this.#window = window;
    this.#cut = droppedTokens(window, promptLength);
    this.lendsLogits = tree.lendsLogits ?? false;
  }

  /** How often tokens have been dropped so far; a prompt that is cut counts as once. */
  get resets(): number {
    return this.#resets + Number(this.#cut > 0);
  }

  append(parent: TreeNode | null, token: number): WindowNode {
    const own = parent as WindowNode | null;
    const { keep, size } = this.#window;
    const position = own ? own.position + 1 : 0;
    // The first token after the kept ones follows those that the prompt has lost.
    const inText = position === keep ? position + this.#cut : position;
    const hasRoom = !own || (own.modelNode !== null && own.modelNode.position + 1 < size);
    const modelNode = hasRoom ? this.#tree.append(own?.modelNode ?? null, token) : null;
    const node = new WindowNode(token, inText, own, modelNode);
    if (position === keep - 1) this.#kept = node;
    return node;
  }

  async evaluate(evaluations: readonly Evaluation[], kind?: EvaluationKind): Promise<void> {
    const nodes = evaluations.map(({ node }) => node as WindowNode);
    // Of several tokens that were chosen without logits, the caller holds the last.
    const ends = nodes.filter(({ modelNode, isReleased }) => !modelNode && !isReleased);
    const replaced = ends.length > 0 ? await this.#reset(ends, new Set(nodes)) : undefined;
    await this.#tree.evaluate(
      evaluations.flatMap((evaluation, i) => {
        const node = nodes[i] as WindowNode;
        return node.modelNode && !replaced?.has(node) ? [{ ...evaluation, node: node.modelNode }] : [];
      }),
      kind,
    );
  }

  release(node: TreeNode): void {
    const own = node as WindowNode;
    own.isReleased = true;
    // The last kept node stays, and its ancestors with it, so that they are computed once.
    if (own.modelNode && own.position !== this.#window.keep - 1) this.#tree.release(own.modelNode);
  }

  close(): void {
    this.#tree.close();
  }

  /**
   * Opens and computes the windows of nodes that have no place, up to the nodes themselves.
   * @returns those of the evaluated nodes that the caller has released, and whose places are in the new windows now
   */
  async #reset(ends: readonly WindowNode[], evaluated: ReadonlySet<WindowNode>): Promise<Set<WindowNode>> {
    const replaced = new Set<WindowNode>();
    for (const end of ends) {
      for (let node = end.parent; node && evaluated.has(node); node = node.parent) {
        if (node.isReleased) replaced.add(node);
      }
    }
    const windows = Map.groupBy(ends, ({ position }) => position);
    const rows = [...windows.values()].flatMap((together) => this.#openWindows(together));
    this.#resets++;
    if (rows.length > 0) await this.#tree.evaluate(rows, 'reset');
    return replaced;
  }

  /**
   * Appends the windows of nodes in the same position of their texts, what they share once.
   * @returns the nodes to compute before theirs
   */
  #openWindows(ends: readonly WindowNode[]): Evaluation[] {
    const length = (ends[0] as WindowNode).position + 1;
    const before = length - 1 - this.#window.keep - droppedTokens(this.#window, length);
    const moved = new Map<WindowNode, WindowNode>();
    for (const end of ends) {
      const path: WindowNode[] = [];
      let node = end.parent;
      for (; node && path.length < before && !moved.has(node); node = node.parent) path.push(node);
      let parent = path.length < before ? ((node && moved.get(node)) ?? null) : this.#kept;
      for (const old of path.reverse()) {
        const { token, position } = old;
        parent = new WindowNode(token, position, parent, this.#tree.append(parent?.modelNode ?? null, token));
        moved.set(old, parent);
      }
      end.parent = parent;
      end.modelNode = this.#tree.append(parent?.modelNode ?? null, end.token);
    }
    const opened = [...moved.values()].flatMap(({ modelNode }) => modelNode ?? []);
    // A node retains its ancestors, so the ends hold their windows.
    for (const node of opened) this.#tree.release(node);
    return opened.map((node) => ({ node }));
  }
}
