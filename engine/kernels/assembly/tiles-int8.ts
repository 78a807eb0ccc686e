/**
 * Tiles of the 8-bit linear layer (`matmul-int8.ts`): one or two rows times a tile of four columns, four rows times half a
 * tile, and six or two rows times a prepared one.
 */
import { dotAdd } from './dot';
import { sumIntegerLanes } from './lanes';
import { TILE_COLUMNS } from './tile';

/** Inputs of a tile per iteration: one run of each output. */
export const STEP: usize = 16;
export const TILE_STEP_BYTES: usize = STEP * TILE_COLUMNS;
/** Two vectors of codes: the second half of a tile. */
export const HALF_TILE_BYTES: usize = 2 * STEP;

/** The sums of a row start at the correction for flipped weights, or at 0 where none are flipped. */
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
export function tile1<Sum>(
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
export function tile2<Sum>(
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
export function halfTile4<Sum>(
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

/**
 * Six rows times half a prepared tile. Twelve sums are as many as the processor needs to start two products in each cycle, and
 * with three operands they are all that V8 keeps in registers: a vector for the flips would be one too many.
 */
export function halfTile6(
  prepared: usize,
  x: usize,
  stride: usize,
  steps: usize,
  flip: v128,
  firstSums: usize,
  sums: usize,
): void {
  let a0 = firstSum<i32>(flip, firstSums);
  let b0 = a0;
  let a1 = firstSum<i32>(flip, firstSums + 4);
  let b1 = a1;
  let a2 = firstSum<i32>(flip, firstSums + 8);
  let b2 = a2;
  let a3 = firstSum<i32>(flip, firstSums + 12);
  let b3 = a3;
  let a4 = firstSum<i32>(flip, firstSums + 16);
  let b4 = a4;
  let a5 = firstSum<i32>(flip, firstSums + 20);
  let b5 = a5;
  for (const end = prepared + steps * TILE_STEP_BYTES; prepared < end; prepared += TILE_STEP_BYTES) {
    const a = v128.load(prepared);
    const b = v128.load(prepared, 16);
    const x0 = v128.load(x);
    a0 = dotAdd(x0, a, a0);
    b0 = dotAdd(x0, b, b0);
    const at1 = x + stride;
    const x1 = v128.load(at1);
    a1 = dotAdd(x1, a, a1);
    b1 = dotAdd(x1, b, b1);
    const at2 = at1 + stride;
    const x2 = v128.load(at2);
    a2 = dotAdd(x2, a, a2);
    b2 = dotAdd(x2, b, b2);
    const at3 = at2 + stride;
    const x3 = v128.load(at3);
    a3 = dotAdd(x3, a, a3);
    b3 = dotAdd(x3, b, b3);
    const at4 = at3 + stride;
    const x4 = v128.load(at4);
    a4 = dotAdd(x4, a, a4);
    b4 = dotAdd(x4, b, b4);
    const x5 = v128.load(at4 + stride);
    a5 = dotAdd(x5, a, a5);
    b5 = dotAdd(x5, b, b5);
    x += STEP;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, a1, b1));
  v128.store(sums, sumIntegerLanes(a2, b2, a3, b3), 16);
  v128.store(sums, sumIntegerLanes(a4, b4, a5, b5), 32);
}

/**
 * Writes the codes of a tile as its products need them: with the bits of `flip` flipped, or in 16 bits, of each vector first
 * those at even places and then those at odd ones.
 */
export function prepare<Sum>(codes: usize, bytes: usize, flip: v128, prepared: usize): void {
  for (const end = codes + bytes; codes < end; codes += STEP) {
    const narrow = v128.load(codes);
    v128.store(prepared, even<Sum>(narrow, flip));
    if (sizeof<Sum>() == 2) v128.store(prepared, odd<Sum>(narrow), 16);
    prepared += sizeof<Sum>() == 4 ? STEP : 2 * STEP;
  }
}

/** Two rows times one widened tile: `sums` receives eight i32. */
export function widenedTile2(widened: usize, x: usize, stride: usize, steps: usize, sums: usize): void {
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
