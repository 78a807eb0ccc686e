/**
 * The 8-bit linear layer `y = x · W + bias`, over rows that are quantized to 8 bits (AssemblyScript, WASM SIMD).
 * lm_head is one too: its outputs are the tokens, its weight the tied `wte`, and it has no bias.
 *
 *     W[k][n] = code[n][k] · scale[n]
 *     y[r][n] = (Σ_k q[r][k] · code[n][k]) · scale[n] · rowScale[r] + bias[n]
 *
 * The sums are exact in 32 bits for up to 130,000 inputs.
 *
 * `packInt8` of `model-assets/format/packed.ts` defines the layout of the codes: tiles of four outputs, in runs
 * of sixteen inputs. With runs, one load of a row's codes serves all outputs. Runs of four inputs would need a
 * broadcast of the row's codes first: a third more work.
 */
import { dotAdd, probeDotAdd, UNSIGNED_OPERAND } from './dot';
import { inRegister } from './in-register';
import { sumIntegerLanes } from './lanes';
import { flipsOf, paddedLength, scalesOf, TAIL_BYTES, tailOf } from './quantize-rows';
import { firstBurst, readAhead } from './read-ahead';
import { blockRows, storeOutputs, TILE_COLUMNS } from './tile';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;
/** Inputs of a tile per iteration: one run of each output. */
const STEP: usize = 16;
const TILE_STEP_BYTES: usize = STEP * TILE_COLUMNS;
/** Two vectors of codes: the second half of a tile. */
const HALF_TILE_BYTES: usize = 2 * STEP;
/** See `readAhead`. With 16 kB, lm_head takes as long as without bursts. */
const BURST_BYTES: usize = 4096;

/**
 * Products in pairs need the codes in 16 bits. From so many rows on, those of a tile are widened once for all rows, into the
 * memory after the tail, and not once for every four rows.
 */
const WIDENED_ROWS: i32 = 12;

/**
 * @param quantized `[rows, inputs]`, by `quantizeRows` of the same form; its tail holds the sums of one tile
 *   at a time
 * @param weights the output of `packInt8`
 * @param columnScales `[outputs]` f32
 * @param bias `[outputs]` f32, or 0 for none
 * @param y receives `[rows, outputs]` f32
 */
// @ts-ignore: decorator
@inline
export function matmulInt8Of<Sum>(
  quantized: usize,
  rows: i32,
  inputs: usize,
  outputs: usize,
  weights: usize,
  columnScales: usize,
  bias: usize,
  y: usize,
): void {
  const k = paddedLength(inputs);
  const scales = scalesOf(quantized, rows, inputs);
  const sums = tailOf(quantized, rows, inputs);
  const widened = (sums + TAIL_BYTES + VECTOR_BYTES - 1) & ~(VECTOR_BYTES - 1);
  const isWidened = sizeof<Sum>() == 2 && rows >= WIDENED_ROWS;
  const steps = (inputs + STEP - 1) / STEP;
  const flip = inRegister(i8x16.splat(flippedBits<Sum>()), sums);
  const flips = flipsOf(quantized, rows, inputs);
  const tileBytes = steps * TILE_STEP_BYTES;
  const end = weights + ((outputs + TILE_COLUMNS - 1) / TILE_COLUMNS) * tileBytes;
  let ahead = firstBurst(weights, end);
  for (let column: usize = 0; column < outputs; column += TILE_COLUMNS) {
    if (ahead < min(weights + 2 * tileBytes, end)) ahead = readAhead(ahead, end, BURST_BYTES, sums);
    if (isWidened) widen(weights, tileBytes, widened);
    let row = 0;
    while (row < rows) {
      const count = min(blockRows(rows - row), isWidened ? 2 : 4);
      const x = quantized + <usize>row * k;
      const firstSums = flips + <usize>row * 4;
      if (isWidened && count == 2) widenedTile2(widened, x, k, steps, sums);
      else if (count == 4) {
        halfTile4<Sum>(weights, x, k, steps, flip, firstSums, sums);
        halfTile4<Sum>(weights + HALF_TILE_BYTES, x, k, steps, flip, firstSums, sums + 32);
        joinHalves(sums);
      } else if (count == 2) tile2<Sum>(weights, x, k, steps, flip, firstSums, sums);
      else tile1<Sum>(weights, x, steps, flip, firstSums, sums);
      storeOutputs(
        sums,
        count,
        scales + <usize>row * FLOAT_BYTES,
        columnScales + column * FLOAT_BYTES,
        bias ? bias + column * FLOAT_BYTES : 0,
        outputs - column,
        y + (<usize>row * outputs + column) * FLOAT_BYTES,
        outputs * FLOAT_BYTES,
      );
      row += count;
    }
    weights += tileBytes;
  }
}

/**
 * The bits to flip in a code. Where the processor reads it as unsigned, its top bit: the code plus 128 is
 * unsigned, and 128 · Σ q comes off the sum (see {@link firstSum}).
 */
// @ts-ignore: decorator
@inline
function flippedBits<Sum>(): i8 {
  if (sizeof<Sum>() == 4) return probeDotAdd() == UNSIGNED_OPERAND ? -128 : 0;
  return 0;
}

/** What the sums of a row start at: the correction for flipped weights, if they are flipped. */
// @ts-ignore: decorator
@inline
function firstSum<Sum>(flip: v128, address: usize): v128 {
  if (sizeof<Sum>() == 4) return v128.and(v128.load32_zero(address), i8x16.shr_s(flip, 7));
  return i32x4.splat(0);
}

/**
 * The operands of `add`. A sum in 32 bits takes sixteen codes as they are; one of 16-bit products takes the codes at
 * even places and those at odd ones, as i16. Shifts, not `i16x8.extend`: V8 14 replaces a `dot_i16x8` of two extended
 * operands by three instructions, and the product takes twice the time.
 */
// @ts-ignore: decorator
@inline
function even<Sum>(codes: v128, flip: v128): v128 {
  return sizeof<Sum>() == 4 ? v128.xor(codes, flip) : evenOfRow<Sum>(codes);
}

// @ts-ignore: decorator
@inline
function evenOfRow<Sum>(codes: v128): v128 {
  return sizeof<Sum>() == 4 ? codes : i16x8.shr_s(i16x8.shl(codes, 8), 8);
}

// @ts-ignore: decorator
@inline
function odd<Sum>(codes: v128): v128 {
  return sizeof<Sum>() == 4 ? codes : i16x8.shr_s(codes, 8);
}

/** Adds the products of sixteen codes of a row with those of a column. */
// @ts-ignore: decorator
@inline
function add<Sum>(sum: v128, xEven: v128, xOdd: v128, even: v128, odd: v128): v128 {
  if (sizeof<Sum>() == 4) return dotAdd(xEven, even, sum);
  return i32x4.add(i32x4.add(sum, i32x4.dot_i16x8_s(xEven, even)), i32x4.dot_i16x8_s(xOdd, odd));
}

/** One row times one tile: `sums` receives four i32. */
function tile1<Sum>(
  codes: usize,
  x: usize,
  steps: usize,
  flip: v128,
  firstSums: usize,
  sums: usize,
): void {
  let a0 = firstSum<Sum>(flip, firstSums);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  for (let step: usize = 0; step < steps; step++) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    const aEven = even<Sum>(a, flip);
    const aOdd = odd<Sum>(a);
    const bEven = even<Sum>(b, flip);
    const bOdd = odd<Sum>(b);
    const cEven = even<Sum>(c, flip);
    const cOdd = odd<Sum>(c);
    const dEven = even<Sum>(d, flip);
    const dOdd = odd<Sum>(d);
    const x0 = v128.load(x);
    const even0 = evenOfRow<Sum>(x0);
    const odd0 = odd<Sum>(x0);
    a0 = add<Sum>(a0, even0, odd0, aEven, aOdd);
    b0 = add<Sum>(b0, even0, odd0, bEven, bOdd);
    c0 = add<Sum>(c0, even0, odd0, cEven, cOdd);
    d0 = add<Sum>(d0, even0, odd0, dEven, dOdd);
    codes += TILE_STEP_BYTES;
    x += STEP;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
}

/** Two rows: the tile's codes are read once. */
function tile2<Sum>(
  codes: usize,
  x: usize,
  stride: usize,
  steps: usize,
  flip: v128,
  firstSums: usize,
  sums: usize,
): void {
  let a0 = firstSum<Sum>(flip, firstSums);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  let a1 = firstSum<Sum>(flip, firstSums + 4);
  let b1 = a1;
  let c1 = a1;
  let d1 = a1;
  for (let step: usize = 0; step < steps; step++) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    const aEven = even<Sum>(a, flip);
    const aOdd = odd<Sum>(a);
    const bEven = even<Sum>(b, flip);
    const bOdd = odd<Sum>(b);
    const cEven = even<Sum>(c, flip);
    const cOdd = odd<Sum>(c);
    const dEven = even<Sum>(d, flip);
    const dOdd = odd<Sum>(d);
    const x0 = v128.load(x);
    const even0 = evenOfRow<Sum>(x0);
    const odd0 = odd<Sum>(x0);
    a0 = add<Sum>(a0, even0, odd0, aEven, aOdd);
    b0 = add<Sum>(b0, even0, odd0, bEven, bOdd);
    c0 = add<Sum>(c0, even0, odd0, cEven, cOdd);
    d0 = add<Sum>(d0, even0, odd0, dEven, dOdd);
    const x1 = v128.load(x + stride);
    const even1 = evenOfRow<Sum>(x1);
    const odd1 = odd<Sum>(x1);
    a1 = add<Sum>(a1, even1, odd1, aEven, aOdd);
    b1 = add<Sum>(b1, even1, odd1, bEven, bOdd);
    c1 = add<Sum>(c1, even1, odd1, cEven, cOdd);
    d1 = add<Sum>(d1, even1, odd1, dEven, dOdd);
    codes += TILE_STEP_BYTES;
    x += STEP;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
  v128.store(sums, sumIntegerLanes(a1, b1, c1, d1), 16);
}

/**
 * Four rows times half a tile: registers hold the sums of four rows and two columns. `sums` receives four pairs
 * of i32.
 */
function halfTile4<Sum>(
  codes: usize,
  x: usize,
  stride: usize,
  steps: usize,
  flip: v128,
  firstSums: usize,
  sums: usize,
): void {
  let a0 = firstSum<Sum>(flip, firstSums);
  let b0 = a0;
  let a1 = firstSum<Sum>(flip, firstSums + 4);
  let b1 = a1;
  let a2 = firstSum<Sum>(flip, firstSums + 8);
  let b2 = a2;
  let a3 = firstSum<Sum>(flip, firstSums + 12);
  let b3 = a3;
  for (let step: usize = 0; step < steps; step++) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const aEven = even<Sum>(a, flip);
    const aOdd = odd<Sum>(a);
    const bEven = even<Sum>(b, flip);
    const bOdd = odd<Sum>(b);
    const x0 = v128.load(x);
    const even0 = evenOfRow<Sum>(x0);
    const odd0 = odd<Sum>(x0);
    a0 = add<Sum>(a0, even0, odd0, aEven, aOdd);
    b0 = add<Sum>(b0, even0, odd0, bEven, bOdd);
    const x1 = v128.load(x + stride);
    const even1 = evenOfRow<Sum>(x1);
    const odd1 = odd<Sum>(x1);
    a1 = add<Sum>(a1, even1, odd1, aEven, aOdd);
    b1 = add<Sum>(b1, even1, odd1, bEven, bOdd);
    const x2 = v128.load(x + 2 * stride);
    const even2 = evenOfRow<Sum>(x2);
    const odd2 = odd<Sum>(x2);
    a2 = add<Sum>(a2, even2, odd2, aEven, aOdd);
    b2 = add<Sum>(b2, even2, odd2, bEven, bOdd);
    const x3 = v128.load(x + 3 * stride);
    const even3 = evenOfRow<Sum>(x3);
    const odd3 = odd<Sum>(x3);
    a3 = add<Sum>(a3, even3, odd3, aEven, aOdd);
    b3 = add<Sum>(b3, even3, odd3, bEven, bOdd);
    codes += TILE_STEP_BYTES;
    x += STEP;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, a1, b1));
  v128.store(sums, sumIntegerLanes(a2, b2, a3, b3), 16);
}

/** Sums of two halves of a tile by rows: whole vectors, for a load after stores of its parts would wait for them. */
// @ts-ignore: decorator
@inline
function joinHalves(sums: usize): void {
  const left0 = v128.load(sums);
  const left2 = v128.load(sums, 16);
  const right0 = v128.load(sums, 32);
  const right2 = v128.load(sums, 48);
  v128.store(sums, v128.shuffle<i64>(left0, right0, 0, 2));
  v128.store(sums, v128.shuffle<i64>(left0, right0, 1, 3), 16);
  v128.store(sums, v128.shuffle<i64>(left2, right2, 0, 2), 32);
  v128.store(sums, v128.shuffle<i64>(left2, right2, 1, 3), 48);
}

/** Writes the codes of a tile in 16 bits: of each vector first those at even places, and then those at odd ones. */
function widen(codes: usize, bytes: usize, widened: usize): void {
  for (const end = codes + bytes; codes < end; codes += STEP) {
    const narrow = v128.load(codes);
    v128.store(widened, evenOfRow<i16>(narrow));
    v128.store(widened, odd<i16>(narrow), 16);
    widened += 2 * STEP;
  }
}

/** Two rows times one widened tile: `sums` receives eight i32. */
function widenedTile2(widened: usize, x: usize, stride: usize, steps: usize, sums: usize): void {
  let a0 = i32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  let a1 = a0;
  let b1 = a0;
  let c1 = a0;
  let d1 = a0;
  for (let step: usize = 0; step < steps; step++) {
    const x0 = v128.load(x);
    const even0 = evenOfRow<i16>(x0);
    const odd0 = odd<i16>(x0);
    const x1 = v128.load(x + stride);
    const even1 = evenOfRow<i16>(x1);
    const odd1 = odd<i16>(x1);
    const aEven = v128.load(widened);
    const aOdd = v128.load(widened, 16);
    a0 = add<i16>(a0, even0, odd0, aEven, aOdd);
    a1 = add<i16>(a1, even1, odd1, aEven, aOdd);
    const bEven = v128.load(widened, 32);
    const bOdd = v128.load(widened, 48);
    b0 = add<i16>(b0, even0, odd0, bEven, bOdd);
    b1 = add<i16>(b1, even1, odd1, bEven, bOdd);
    const cEven = v128.load(widened, 64);
    const cOdd = v128.load(widened, 80);
    c0 = add<i16>(c0, even0, odd0, cEven, cOdd);
    c1 = add<i16>(c1, even1, odd1, cEven, cOdd);
    const dEven = v128.load(widened, 96);
    const dOdd = v128.load(widened, 112);
    d0 = add<i16>(d0, even0, odd0, dEven, dOdd);
    d1 = add<i16>(d1, even1, odd1, dEven, dOdd);
    widened += 2 * TILE_STEP_BYTES;
    x += STEP;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
  v128.store(sums, sumIntegerLanes(a1, b1, c1, d1), 16);
}
