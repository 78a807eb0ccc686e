/** @module `Symbol.dispose`, also in browsers that lack it: the name that the compiled `using` looks for there. */
const { dispose: DISPOSE_SYMBOL = Symbol.for('Symbol.dispose') } = Symbol as { dispose?: symbol };

export { DISPOSE_SYMBOL };
