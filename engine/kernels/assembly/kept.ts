/**
 * A constant in a register.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */

/**
 * V8 makes a vector constant anew wherever it is used, of three instructions (a 64-bit number, its way into a vector,
 * its doubling), which was up to a third of a kernel's time; what was loaded it keeps.
 *
 * @param at 16 bytes to load it from
 */
// @ts-ignore: decorator
@inline
export function kept(constant: v128, at: usize): v128 {
  v128.store(at, constant);
  return v128.load(at);
}
