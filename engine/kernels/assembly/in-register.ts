/** Vector constants that stay in a register. */

/**
 * V8 materializes a vector constant at every use, in three instructions (a 64-bit immediate, a move into a
 * vector register, a broadcast), which took up to a third of a kernel's time. It keeps a loaded vector in its
 * register.
 *
 * @param scratch 16 bytes
 */
// @ts-ignore: decorator
@inline
export function inRegister(constant: v128, scratch: usize): v128 {
  v128.store(scratch, constant);
  return v128.load(scratch);
}
